"""The firm in a box: the emulators and the real ERP mounted together, with people who act on them."""
