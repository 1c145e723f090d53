// Package walletcmd is the commands of who holds money and who issues it: wallets, payments, banks, keys, drafts,
// proofs and policy.
package walletcmd
