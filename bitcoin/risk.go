package bitcoin

import (
	"fmt"
	"math"
)

// ReversalProbability is the chance that an attacker with a share q of the hash rate ever
// overtakes the honest chain after z confirmations, having mined alone since the payment.
// The exact form, from the negative binomial distribution of the attacker's progress
// (Rosenfeld 2014, "Analysis of hashrate-based double spending", section 5):
//
//	1 − Σ_{m=0..z} C(m+z−1, m)·(p^z·q^m − p^m·q^z)
//
// An attacker who has pre-mined one block, as that analysis assumes, needs z+1 to be ahead.
func ReversalProbability(confirmations int, attackerShare float64) (float64, error) {
	if confirmations < 0 || confirmations > 10_000 {
		return 0, fmt.Errorf("confirmations %d: want 0 to 10,000", confirmations)
	}
	q := attackerShare
	if !(q >= 0 && q <= 1) {
		return 0, fmt.Errorf("attacker's share %v: want 0 to 1", attackerShare)
	}
	p := 1 - q
	switch {
	case q >= p || confirmations == 0:
		return 1, nil
	case q == 0:
		return 0, nil
	}
	z := float64(confirmations)
	// The complement is summed directly: 1 minus a sum near 1 would lose all digits of a small risk.
	// P = Σ_{m≤z} C·p^m·q^z + P[attacker's progress exceeds z], term by term in logarithms.
	risk := 0.0
	for m := 0; m <= confirmations; m++ {
		risk += math.Exp(lnChoose(float64(m)+z-1, float64(m)) + float64(m)*math.Log(p) + z*math.Log(q))
	}
	for m := float64(confirmations + 1); ; m++ {
		term := math.Exp(lnChoose(m+z-1, m) + z*math.Log(p) + m*math.Log(q))
		risk += term
		// The ratio of successive terms falls towards q < 1/2, so the rest is below the last term.
		if term <= risk*1e-17 {
			break
		}
	}
	return min(risk, 1), nil
}

// ReversalProbabilityNakamoto is the estimate of section 11 of the Bitcoin paper, which takes the
// attacker's progress as Poisson; it understates the risk and is given for comparison:
//
//	1 − Σ_{k=0..z} e^(−λ)·λ^k/k! · (1 − (q/p)^(z−k)), λ = z·q/p
//
// It is subtracted from 1 as there, so that nothing below some 1e-15 means anything.
func ReversalProbabilityNakamoto(confirmations int, attackerShare float64) (float64, error) {
	if _, err := ReversalProbability(confirmations, attackerShare); err != nil {
		return 0, err
	}
	q, p, z := attackerShare, 1-attackerShare, float64(confirmations)
	if q >= p {
		return 1, nil
	}
	if q == 0 {
		if confirmations == 0 {
			return 1, nil
		}
		return 0, nil
	}
	lambda := z * q / p
	risk := 1.0
	poisson := math.Exp(-lambda)
	for k := 0; k <= confirmations; k++ {
		if k > 0 {
			poisson *= lambda / float64(k)
		}
		risk -= poisson * (1 - math.Pow(q/p, z-float64(k)))
	}
	return max(risk, 0), nil
}

// ConfirmationsFor is the least number of confirmations that keeps the risk at or below a bound, a share of 1. The risk
// falls with each confirmation, so the first one that is low enough is the answer; above 10,000 it gives up.
func ConfirmationsFor(attackerShare, bound float64) (int, error) {
	if !(bound > 0 && bound < 1) {
		return 0, fmt.Errorf("bound %v: want between 0 and 1", bound)
	}
	if attackerShare >= 0.5 {
		return 0, fmt.Errorf("attacker's share %v: no number of confirmations bounds a majority", attackerShare)
	}
	for z := 0; z <= 10_000; z++ {
		risk, err := ReversalProbability(z, attackerShare)
		if err != nil {
			return 0, err
		}
		if risk <= bound {
			return z, nil
		}
	}
	return 0, fmt.Errorf("attacker's share %v: more than 10,000 confirmations", attackerShare)
}

// lnChoose is the logarithm of n choose k: the binomials of thousands of confirmations overflow a float64.
func lnChoose(n, k float64) float64 {
	if n < 0 {
		return 0
	}
	a, _ := math.Lgamma(n + 1)
	b, _ := math.Lgamma(k + 1)
	c, _ := math.Lgamma(n - k + 1)
	return a - b - c
}
