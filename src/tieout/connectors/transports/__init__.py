"""How bytes reach a system: HTTP today, SFTP, SOAP and queues beside it."""
