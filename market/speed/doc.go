// Package speed measures how fast the estimators are, in CPU time of this
// process, on simulated returns of fixed seed. It backs "aqsha bench market".
package speed
