"""The close of a month: whether everything due is green before investors are told."""
