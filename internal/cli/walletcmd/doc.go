// Package walletcmd is the commands of who holds money and who issues it: wallets, payments, tokens, keys, drafts and
// proofs.
package walletcmd
