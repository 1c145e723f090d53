// Package minebench is the verbs of "aqsha bench" that measure mining and farms: the pool, hashing, polling, plans.
package minebench
