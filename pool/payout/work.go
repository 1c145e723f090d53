package payout

import (
	"math"
	"math/big"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/stratum"
)

// Units is work in units of difficulty 2^−stratum.MaxK.
func Units(d stratum.Difficulty) *big.Int {
	units := new(big.Int).SetUint64(d.N)
	return units.Lsh(units, uint(stratum.MaxK-d.K))
}

// Difficulty is what units are for people.
func Difficulty(units *big.Int) float64 {
	f, _ := new(big.Float).SetInt(units).Float64()
	return math.Ldexp(f, -stratum.MaxK)
}

// networkTop is difficulty 1's target in units: W = networkTop / target.
var networkTop = new(big.Int).Lsh(big.NewInt(0xffff), 208+stratum.MaxK)

// NetworkUnits is multiple times the network's work W at a target, rounded down.
func NetworkUnits(target bitcoin.Target, multiple int64) *big.Int {
	top := new(big.Int).Mul(networkTop, big.NewInt(multiple))
	return top.Quo(top, target.Big())
}

// Hashes is the mean number of hashes behind work: units · 2^−40 · 2^48 / 65535. For people.
func Hashes(units *big.Int) float64 {
	exact := new(big.Rat).SetFrac(new(big.Int).Lsh(units, 48-stratum.MaxK), big.NewInt(65535))
	hashes, _ := exact.Float64()
	return hashes
}
