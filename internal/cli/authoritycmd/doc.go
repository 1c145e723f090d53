// Package authoritycmd is the commands of the authority and of banks: policy, rules, admission, applications for
// wallets.
package authoritycmd
