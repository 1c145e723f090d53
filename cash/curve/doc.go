// Package curve is the arithmetic of banknotes: blind signatures on secp256k1 (BDHKE) with proofs that the key was the
// announced one, as Cashu's NUT-00 and NUT-12 lay down, and proofs over whole blocks of notes for the public log.
//
//   - The holder makes Y = HashToCurve(secret), sends B_ = Y + r·G (Blind), gets C_ = k·B_ and keeps C = C_ − r·K
//     (Unblind) = k·Y: a note that the office recognises without having seen it.
//   - The office signs (Signer.Sign, with a DLEQ proof) and checks what comes back, one by one (Valid) or many at once
//     (ValidBatch).
//   - Anybody checks a proof: of one signature (VerifyDLEQ), of a note whose holder shows r (VerifyNoteDLEQ), of all that
//     one key signed or took back within a block (VerifyBlock).
//
// Points and scalars are values: they are compared with ==, and are valid once parsed or computed here. The zero
// Point stands for infinity, which is no note: every check refuses it, and nothing signs it.
//
// The package is pure. Randomness comes as an io.Reader, and no result depends on it: it hides the key from who
// measures time, and keeps a forger from foreseeing the coefficients of a batch. What is secret takes the same steps
// whatever it is: see recode.go. It imports nothing of this module.
package curve
