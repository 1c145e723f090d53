package telemetry

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aqsha/aqsha/internal/durable"
)

// A machine's number is its place in this journal: numbers are given in the order of their records, and a record
// that a crash tore had given none.
const (
	machinesFile    = "machines.journal"
	machinesHeader  = "aqsha machines of a farm 1\n"
	machinesRecord  = 4 << 20    // most bytes of a record, and
	machinesAtOnce  = 10_000     // most identities in it
	oldMachinesFile = "machines" // a line each, before there was a journal
	maxOldMachines  = 256 << 20
)

// readNames reads who has which number. A writer takes the journal.
func (s *Store) readNames() (err error) {
	path := filepath.Join(s.dir, machinesFile)
	old, err := s.readOldNames()
	if err != nil {
		return err
	}
	if s.reader && !exists(s.files, path) {
		s.remember(old)
		return nil
	}
	o := durable.Options{Header: machinesHeader, Max: machinesRecord, Reader: s.reader, Locked: true}
	s.machines, err = durable.OpenJournal(s.files, path, o, func(body []byte) error {
		s.remember(strings.Split(string(body), "\n"))
		return nil
	})
	if err != nil || old == nil {
		return err
	}
	// The old file is removed only after its names stand in the journal: a crash in between leaves both, and the
	// journal counts.
	if len(s.names) == 0 {
		if s.reader {
			s.remember(old)
			return nil
		}
		if err := s.number(old); err != nil {
			return err
		}
	}
	if s.reader {
		return nil
	}
	return durable.Remove(s.files, filepath.Join(s.dir, oldMachinesFile))
}

// readOldNames reads the file of lines, if there is one. What a crash left at its end is passed over: a line that does
// not end, or holes.
func (s *Store) readOldNames() ([]string, error) {
	content, err := durable.Read(s.files, filepath.Join(s.dir, oldMachinesFile), maxOldMachines)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if hole := bytes.IndexByte(content, 0); hole >= 0 {
		content = content[:hole]
	}
	names := strings.Split(string(content), "\n")
	return names[:len(names)-1], nil
}

// remember gives the next numbers in memory, in order.
func (s *Store) remember(names []string) {
	for _, name := range names {
		s.numbers[name] = uint32(len(s.names))
		s.names = append(s.names, name)
	}
}

// number gives numbers to identities that have none, durably.
func (s *Store) number(identities []string) error {
	for part := range slices.Chunk(identities, machinesAtOnce) {
		if err := s.machines.Append([]byte(strings.Join(part, "\n"))); err != nil {
			s.failed = err // whether the numbers were given is known at the next opening
			return err
		}
		s.remember(part)
	}
	return nil
}

// Number is a machine's number; it gets one, durably, when it has none.
func (s *Store) Number(identity string) (uint32, error) {
	numbers, err := s.Numbers([]string{identity})
	if err != nil {
		return 0, err
	}
	return numbers[0], nil
}

// Numbers are the numbers of many machines. They come in the order of the identities, of which one may stand there
// twice. Either all that are new get a number, or an error says why; those of parts that were written before it keep
// theirs.
func (s *Store) Numbers(identities []string) ([]uint32, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var added []string
	fresh := map[string]bool{}
	for _, identity := range identities {
		if _, known := s.numbers[identity]; known || fresh[identity] {
			continue
		}
		if identity == "" || strings.ContainsAny(identity, "\r\n\x00") || len(identity) > 200 ||
			len(s.names)+len(added) >= maxMachines {
			return nil, fmt.Errorf("identity %q: want 1 to 200 characters in one line, and at most %d machines",
				identity, maxMachines)
		}
		fresh[identity] = true
		added = append(added, identity)
	}
	if len(added) > 0 {
		if err := s.writable(); err != nil {
			return nil, err
		}
		// Durable before it is used: polls are stored under the number, and another machine must never get it.
		if err := s.number(added); err != nil {
			return nil, err
		}
	}
	out := make([]uint32, len(identities))
	for i, identity := range identities {
		out[i] = s.numbers[identity]
	}
	return out, nil
}

// Machines are the identities in the order of their numbers.
func (s *Store) Machines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.names)
}
