// Package drafts keeps transactions that several must sign on their way from one signer to the next. A draft is put up
// with a signature that holds, gathers the others, and ends: executed, refused by so many that those who are left do
// not suffice or by the ledger, or lapsed at its valid-until. What is kept holds no key and gives no right: each
// signature is checked against the keys that the ledger names, by the caller's state, when it comes and again by the
// ledger.
package drafts
