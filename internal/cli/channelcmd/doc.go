// Package channelcmd is the commands of payments off the ledger: channels, pay-per-use, and devices that pay or are
// paid.
package channelcmd
