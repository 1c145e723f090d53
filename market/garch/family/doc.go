// Package family fits the wider family of models of changing variance, of any
// order and with more laws than package garch: GARCH(p,q), GJR and threshold
// models by their power, APARCH, FIGARCH and component GARCH, with linear means
// (constant, autoregression, the heterogeneous one of Corsi, regressors).
//
// Without a fitted mean all but the component model and the normal inverse Gaussian
// have exact second derivatives (engine, fractional). Elsewhere the gradient is analytic but for the law's shape, the
// first climb takes the outer products of the gradient for the Hessian (Berndt, Hall,
// Hall and Hausman 1974), and the last steps and the standard errors difference the gradient.
//
// Initial values are those of Python's arch: exponentially weighted first 75
// squares, so that its figures can be held against these.
package family
