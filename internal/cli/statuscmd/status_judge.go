package statuscmd

import (
	"fmt"
)

// judge says who leads, and what is wrong.
func (g *GroupStatus) judge() {
	unwell := func(format string, args ...any) { g.Unwell = append(g.Unwell, fmt.Sprintf(format, args...)) }
	group := g.most()
	g.sameNodes()
	newest, writing := g.newest(group)
	leaders, validators, unsaid := 0, 0, 0
	for i := range g.Members {
		m := &g.Members[i]
		switch {
		case !m.said():
			unsaid++
			unwell("%s", m.Detail)
			continue
		case group != m.group() && g.Network == m.network.String():
			unwell("%s shows another log key for this network than the others: it is no member of this group", m.URL)
			continue
		case group != m.group():
			unwell("%s is of another network, %s", m.URL, m.network)
			continue
		case m.SameAs != "":
			continue
		}
		// Who was told that he was replaced knows the epoch of his successor, and writes no more; an earlier version
		// does not say so itself.
		if m.Role == "leader" && (m.Epoch < newest || m.Status == "read-only" && writing > 0) {
			m.Role = roleReplaced
		}
		if m.Role == "leader" && m.promised.Epoch > m.Epoch {
			m.Role = roleStopped
		}
		for _, fault := range m.faults() {
			unwell("%s", fault)
		}
		if m.Role == "leader" {
			if leaders++; m.Ready {
				g.Leader = m.URL
			}
			if m.orders {
				validators++
			}
		}
	}
	switch {
	case leaders > 1 && validators < leaders: // validators take payments at each of them
		unwell("%d of the nodes asked lead", leaders)
	case leaders == 0 && unsaid > 0:
		unwell("nobody is known to lead: %d of the nodes did not say", unsaid)
	case leaders == 0:
		unwell("none of the nodes asked leads")
	}
}

// most is what most of those who answered show alike, so that a stranger among them does not make the others strangers;
// of as many the first.
func (g *GroupStatus) most() (group string) {
	count := map[string]int{}
	for i := range g.Members {
		if m := &g.Members[i]; m.said() {
			count[m.group()]++
		}
	}
	for i := range g.Members {
		if m := &g.Members[i]; m.said() && (group == "" || count[m.group()] > count[group]) {
			group, g.Network, g.Name = m.group(), m.network.String(), m.name
		}
	}
	return group
}

// sameNodes finds nodes that were asked at two URLs: the run of a program says which one it is. Somebody who only says
// the same word, and stands otherwise, is another.
func (g *GroupStatus) sameNodes() {
	first := map[string]string{}
	for i := range g.Members {
		m := &g.Members[i]
		if !m.said() || m.instance == "" {
			continue
		}
		key := fmt.Sprint(m.group(), " ", m.instance, " ", m.Role, " ", m.Epoch)
		if url, seen := first[key]; seen {
			m.SameAs = url
		} else {
			first[key] = m.URL
		}
	}
}

// newest is the newest epoch that a group's nodes know of, and how many of its leaders write.
func (g *GroupStatus) newest(group string) (epoch uint64, writing int) {
	for i := range g.Members {
		m := &g.Members[i]
		if !m.said() || m.group() != group {
			continue
		}
		epoch = max(epoch, m.Epoch)
		if m.Role == "leader" && m.Status != "read-only" && m.SameAs == "" {
			writing++
		}
	}
	return epoch, writing
}

// faults are what is wrong with a member, by its role.
func (m *nodeStatus) faults() (list []string) {
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	switch {
	case m.Role == roleStopped && m.promised.Epoch > m.Epoch:
		add("%s has promised epoch %d to a candidate that does not lead, and answers nothing: let that promotion "+
			"end, or run it again; if it was given up, promote a follower, or this node, with aqsha promote "+
			"--instead-of %d:%s",
			m.URL, m.promised.Epoch, m.promised.Epoch, m.promised.Candidate)
	case m.Role == roleStopped:
		add("%s has stopped: %s", m.URL, join(m.Status, m.Detail))
	case m.Role == roleReplaced:
		add("%s was replaced as the leader: restore it as a follower (aqsha restore)", m.URL)
	case m.Role == "leader" && !m.Ready:
		add("%s leads and takes no payments: %s", m.URL, join(m.Status, m.Detail))
		return list
	case m.Role != "leader" && (m.Status != "following" || m.Lag == nil):
		add("%s: %s", m.URL, join(m.Status, m.Detail))
	}
	for _, f := range m.Heard {
		if !f.Connected && m.Role == "leader" {
			add("%s does not hear %s", m.URL, f.Name)
		}
	}
	return list
}

func join(status, detail string) string {
	if detail == "" {
		return status
	}
	return status + ": " + detail
}
