"""Who is told what, when and in which words: decided here, sent by the channels."""
