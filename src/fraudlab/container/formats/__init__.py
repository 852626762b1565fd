"""Files and rows of the formats that training and serving share, read and checked."""
