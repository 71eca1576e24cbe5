"""Who is told what, when and how: incidents, their messages, and the targets they go to."""
