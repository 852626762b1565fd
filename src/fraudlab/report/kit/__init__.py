"""What every page is made of: markup, numerals, plots and the frame of a page. It knows no run."""
