// Package query answers questions about markets from a folder of data, as values
// ready for JSON: what an HTTP API mounts for the console. It does no HTTP
// itself, reads only plain file names inside the folder, and changes nothing.
//
// It imports the market packages.
package query
