// Package garch estimates models of changing variance by maximum likelihood:
// GARCH(1,1), GJR and EGARCH, with normal, Student t and skewed t errors and
// a zero, fixed, fitted or autoregressive mean.
//
// Gradient and Hessian are analytic, the optimiser is Newton's method with an
// active set for the linear constraints, and several starts are run; the
// result says which start won, whether a constraint binds, and gives standard
// errors from the Hessian and the sandwich, or none where they do not exist.
//
// Returns are in percent. It imports market, market/stats and words. Invariant: the
// same input gives the same bits; multiplying returns by c multiplies ω by c²
// and leaves the other parameters alone (EGARCH: ω + (1−β)·ln c²).
package garch
