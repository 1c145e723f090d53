// Package alert says what needs a person now.
//
// A Detector watches one machine. Offline, hung, board, hot, fan and pool are raised by the second
// poll in a row that shows them and cleared by the third that does not. Low hash, rejects and
// delivery are random quantities: each has a sequential test (Page's CUSUM of the log-likelihood
// ratio) whose threshold bounds false alarms: the mean time between them is at least e^threshold
// observations (Lorden 1971), here 100,000 machine-days for each test.
//
//	low hash   the mean falls from the machine's own level by a tenth; σ of half a minute's work is
//	           taken as 5 % (it is 2 % where five seconds scatter by 5 %); found in 11 polls on average
//	rejects    1 % of shares against 10 %; found in about 150 shares
//	delivery   shares found against the work done, a seventh missing: hash rate that goes elsewhere;
//	           found in about 1,700 shares
//
// Changes of many machines at once are grouped by rack, container and site; a silence holds notices
// back. The package takes time as an argument and does no I/O.
package alert
