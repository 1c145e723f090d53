package purse

import "github.com/aqsha/aqsha/token"

// Codes of the rules of offline payments. Those of form (not-canonical, out-of-range …) are of package token.
const (
	BadSignature   token.Code = "purse-signature"       // a certificate, link or list that its key did not sign
	NoCertifier    token.Code = "purse-certifier"       // an intermediary whose certifying key the payee does not know
	NoCertificate  token.Code = "purse-certificate"     // a payer's certificate is missing, or one too many
	Expired        token.Code = "purse-expired"         // the certificate has run out, or a link is too old
	Revoked        token.Code = "purse-revoked"         // the purse stands in a revocation list
	OverLimit      token.Code = "purse-limit"           // more than the certificate lets a payment, or all of them, be
	TooManyHops    token.Code = "purse-hops"            // the money has gone through too many hands without settling
	NotCovered     token.Code = "purse-covered"         // deposit and shown links do not cover the amount
	OtherPayee     token.Code = "purse-payee"           // made out to another purse, nonce or amount than was asked for
	Conflicting    token.Code = "purse-conflict"        // two links of one purse that convict it
	CertifiedTwice token.Code = "purse-certified-twice" // two certificates that no honest bank signs both
	NoConflict     token.Code = "purse-no-conflict"     // two links that prove nothing
	NotEnough      token.Code = "purse-not-enough"      // the purse has less than it is to pay
	SettleFirst    token.Code = "purse-settle"          // the message would be too large: settle first
	Unneeded       token.Code = "purse-unneeded"        // a link or certificate on which the payment does not rest
	OtherPurse     token.Code = "purse-other"           // a certificate or message of another purse than this one
	OlderList      token.Code = "purse-older-list"      // a revocation list older than the one at hand
	PaymentPending token.Code = "purse-pending"         // another payment was begun and is not finished
	BadChecksum    token.Code = "purse-checksum"        // a request that was mistyped, or is of another network
	NonePending    token.Code = "purse-not-pending"     // no payment waits for its receipt
)

// refuse makes a refusal.
func refuse(code token.Code, field, format string, args ...any) *token.Error {
	return token.Errorf(code, field, format, args...)
}
