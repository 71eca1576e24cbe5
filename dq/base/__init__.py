"""What everything else is made of: plain values, errors, periods, the verdict, strict reading and writing of text."""
