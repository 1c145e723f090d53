package packed_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/node/packed"
)

func pack(t testing.TB, content []byte, writes int) []byte {
	t.Helper()
	var out bytes.Buffer
	w := packed.NewWriter(&out)
	for len(content) > 0 {
		n := min(writes, len(content))
		if _, err := w.Write(content[:n]); err != nil {
			t.Fatal(err)
		}
		content = content[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func unpack(data []byte) ([]byte, error) {
	r := packed.NewReader(bytes.NewReader(data))
	defer r.Close()
	return io.ReadAll(r)
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		content := rapid.SliceOfN(rapid.Byte(), 0, 2000).Draw(rt, "content")
		content = bytes.Repeat(content, rapid.IntRange(1, 600).Draw(rt, "times"))
		data := pack(t, content, rapid.IntRange(1, 1<<19).Draw(rt, "bytes a write"))
		if again, err := unpack(data); err != nil || !bytes.Equal(again, content) {
			rt.Fatalf("%d bytes come back as %d, %v", len(content), len(again), err)
		}
		if other := pack(t, content, 7777); !bytes.Equal(other, data) {
			rt.Fatal("how it was written shows")
		}
	})
}

func TestRepetitionIsCompressed(t *testing.T) {
	if data := pack(t, bytes.Repeat([]byte("registrar "), 100_000), 1000); len(data) > 10_000 {
		t.Errorf("a million bytes of ten take %d", len(data))
	}
}

func TestAlteredOrCut(t *testing.T) {
	content := append(bytes.Repeat([]byte("abc"), 200), 1, 7, 3, 9, 200, 41)
	data := pack(t, content, 50)
	for i := range data {
		altered := bytes.Clone(data)
		altered[i] ^= 4
		if got, err := unpack(altered); err == nil {
			t.Fatalf("byte %d altered: %d bytes, no error", i, len(got))
		}
		if _, err := unpack(data[:i]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("cut to %d bytes: %v", i, err)
		}
	}
	if _, err := unpack(append(bytes.Clone(data), 0)); err == nil {
		t.Error("a byte after the end was accepted")
	}
}

func TestAWriterThatFails(t *testing.T) {
	w := packed.NewWriter(iotestFailing{})
	if _, err := w.Write(make([]byte, 1<<20)); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("%v", err)
	}
	if err := w.Close(); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("%v", err)
	}
}

type iotestFailing struct{}

func (iotestFailing) Write([]byte) (int, error) { return 0, iotest.ErrTimeout }

func FuzzReader(f *testing.F) {
	f.Add(pack(f, bytes.Repeat([]byte("token"), 300), 100))
	f.Add(pack(f, nil, 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		content, err := unpack(data)
		if err != nil {
			return
		}
		if most := (len(data)/8 + 1) * packed.PieceBytes; len(content) > most {
			t.Fatalf("%d bytes from %d", len(content), len(data))
		}
		if again, err := unpack(pack(t, content, 1000)); err != nil || !bytes.Equal(again, content) {
			t.Fatalf("packed again: %v", err)
		}
	})
}
