// Package pursecmd holds the commands of offline purses.
package pursecmd
