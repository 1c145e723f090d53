// Package marketcmd is the commands of market measurement.
package marketcmd
