package main

import (
	"fmt"
	"net/url"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// badConfig is the code of a configuration that contradicts itself, or names what cannot be.
const badConfig token.Code = "bad-configuration"

// mostKeyDays bounds key_days: a century.
const mostKeyDays = 36_525

// mostSegmentMiB bounds segment_mib: what one write may take.
const mostSegmentMiB = 1024

// checkNodes refuses what a configuration says of other nodes when it could never work: it would be noticed when they are needed.
func (c config) checkNodes() error {
	if err := checkFollowers(c.Followers); err != nil {
		return err
	}
	if c.Acks < 0 || c.Acks > len(c.Followers) {
		return token.Errorf(badConfig, "acks", "%d of %d followers cannot acknowledge", c.Acks, len(c.Followers))
	}
	if c.KeyDays < 0 || c.KeyDays > mostKeyDays {
		return token.Errorf(badConfig, "key_days", "%d, want 0 (which is %d) to %d", c.KeyDays, keyDays, mostKeyDays)
	}
	if c.SegmentMiB < 0 || c.SegmentMiB > mostSegmentMiB {
		return token.Errorf(badConfig, "segment_mib", "%d, want 0 (which is %d) to %d", c.SegmentMiB, txlog.DefaultSegmentBytes>>20, mostSegmentMiB)
	}
	if c.Leader != "" && c.Leader != backupLeader {
		if err := checkURL("leader", c.Leader); err != nil {
			return err
		}
	}
	for i, origin := range c.Origins {
		if canonical, err := api.Origin(origin); err != nil || canonical != origin {
			return token.Errorf(badConfig, fmt.Sprintf("origins[%d]", i), "%q is not an origin such as https://tenge.example.kz: scheme, host and port alone", origin)
		}
	}
	if c.URL != "" {
		if err := checkURL("url", c.URL); err != nil {
			return err
		}
	}
	for name, url := range c.FollowerURLs {
		if err := checkURL("follower_urls."+name, url); err != nil {
			return err
		}
	}
	for i, peer := range c.Peers {
		if err := checkURL(fmt.Sprintf("peers[%d]", i), peer); err != nil {
			return err
		}
	}
	return nil
}

// checkFollowers refuses a key that is none, and one that is there twice: the signatures of two of one name cannot be told
// apart, so that neither would ever acknowledge.
func checkFollowers(followers []string) error {
	names, keys := map[string]int{}, map[string]int{}
	for i, public := range followers {
		field := fmt.Sprintf("followers[%d]", i)
		v, err := node.ParseFollower(public)
		if err != nil {
			return token.Errorf(badConfig, field, "%q: %v", public, err)
		}
		if first, twice := names[v.Name()]; twice {
			return token.Errorf(badConfig, field, "%q is the name of followers[%d] already", v.Name(), first)
		}
		key := string(node.FollowerKey(public))
		if first, twice := keys[key]; twice {
			return token.Errorf(badConfig, field, "the key of followers[%d], by another name", first)
		}
		names[v.Name()], keys[key] = i, i
	}
	return nil
}

// checkURL refuses what is not the URL of a node.
func checkURL(field, text string) error {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return token.Errorf(badConfig, field, "%q is not the URL of a node, such as http://127.0.0.1:8420", text)
	}
	return nil
}
