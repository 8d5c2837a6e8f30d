"""The people of the firm: what they do from day to day, through the systems' own doors and with their own logins."""
