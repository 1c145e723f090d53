// Package backups keeps what wallets' phones lay down at the node that serves them: one sealed box a wallet, which its
// phone encrypts under a key that nobody else has, so that the node sees its size and its times and nothing else.
package backups
