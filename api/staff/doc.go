// Package staff keeps who works at a node's pages: who was let in by whom, with which rights and which passkeys, and
// what each of them did. Its store is one log of the project's verifiable kind (txlog): every change is an entry in it
// and the accounts are what its entries add up to, so that nothing can be changed that is not in the audit trail, and
// nothing be left out of the trail that was changed. A passkey says who someone is (WebAuthn Level 3); nothing here
// signs or moves money.
//
// Time and what a browser answered are arguments. The package imports token, internal/durable, internal/recent and
// txlog of this module, and alone in it go-webauthn.
//
// Invariants:
//   - What a method has returned without an error is durable, and its entry is covered by a signed checkpoint.
//   - There is never no administrator once there was one: the last is neither ended nor loses the role.
//   - A link and a challenge work once, and not after their time. Of links and sessions hashes alone are kept.
//   - A session ends with its account, with any change of its roles, after 30 minutes without a request, and after
//     12 hours.
package staff
