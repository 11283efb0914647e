"""The command line `seatrial`: one file per group of commands, thin over the packages that do the work."""
