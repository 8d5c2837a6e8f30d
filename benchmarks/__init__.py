"""What Tieout costs, measured beside the floor that no hub could go below on the same machine at the same moment."""
