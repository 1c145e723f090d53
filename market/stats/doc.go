// Package stats holds the statistics that the market measures rest on:
// moments, quantiles, least squares with Newey–West errors, tests of
// autocorrelation, normality, stationarity and causality, and long memory.
// Where several definitions exist, the comment names the one taken.
//
// It imports only market (for errors). Functions are pure.
package stats
