// Package passkey is an authenticator in software (WebAuthn Level 3, sections 6 and 6.5) for tests: it makes passkeys
// of ECDSA over P-256 and signs with them, as a person's device does after it has verified the person. What a test
// wants to be wrong it changes in a Device or in what it was given.
package passkey
