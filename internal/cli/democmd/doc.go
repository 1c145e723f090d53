// Package democmd is "aqsha demo": the ledger of a data directory, and the story that is played on it.
package democmd
