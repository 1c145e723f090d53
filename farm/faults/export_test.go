package faults

// Rows are the rows of codes.csv.
func Rows() [][]string { return tables().codes }
