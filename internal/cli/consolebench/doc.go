// Package consolebench is "aqsha bench console": the served pages measured in a browser, with and without subscribers.
package consolebench
