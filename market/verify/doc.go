// Package verify recomputes a set of reference results from their input files
// and compares them figure by figure: log-likelihoods within 1e-6, parameters
// 1e-5 relative, standard errors 0.1 %, everything else to its digits.
//
// expected.json was computed by independent software (R: fGarch, tseries,
// urca, fracdiff, sandwich, TTR) from the synthetic set; references are inputs of
// their own beside what Python's arch gave for them. A folder with its own
// reference.json can be checked the same way. It imports the market packages.
package verify
