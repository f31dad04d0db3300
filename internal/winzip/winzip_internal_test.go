package winzip

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/aes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// unzip reads the archive's one file: the structure with archive/zip, the
// encryption as its description says. It is no part of the program.
func unzip(archive []byte, password string) (name string, content []byte, err error) {
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return "", nil, err
	}
	if len(r.File) != 1 {
		return "", nil, errors.New("not one file")
	}
	f := r.File[0]
	if f.Method != 99 || f.Flags != 1|1<<3|1<<11 || f.NonUTF8 || f.CRC32 != 0 || f.Mode().Perm()&0o111 != 0 ||
		!bytes.Equal(f.Extra, []byte("\x01\x99\x07\x00\x02\x00AE\x03\x08\x00")) {
		return "", nil, errors.New("not AE-2 with AES-256 and deflate")
	}
	raw, err := f.OpenRaw()
	if err != nil {
		return "", nil, err
	}
	data, err := io.ReadAll(raw)
	if err != nil {
		return "", nil, err
	}
	salt, verifier, data := data[:16], data[16:18], data[18:]
	data, code := data[:len(data)-10], data[len(data)-10:]

	keys, err := pbkdf2.Key(sha1.New, password, salt, 1000, 66)
	if err != nil {
		return "", nil, err
	}
	if !bytes.Equal(verifier, keys[64:]) {
		return "", nil, errors.New("wrong password")
	}
	mac := hmac.New(sha1.New, keys[32:64])
	mac.Write(data)
	if !hmac.Equal(code, mac.Sum(nil)[:10]) {
		return "", nil, errors.New("wrong authentication code")
	}
	block, err := aes.NewCipher(keys[:32])
	if err != nil {
		return "", nil, err
	}
	var key [16]byte
	for i := range data {
		if i%16 == 0 {
			key = [16]byte{}
			binary.LittleEndian.PutUint64(key[:], uint64(i/16+1))
			block.Encrypt(key[:], key[:])
		}
		data[i] ^= key[i%16]
	}
	content, err = io.ReadAll(flate.NewReader(bytes.NewReader(data)))
	if uint64(len(content)) != f.UncompressedSize64 {
		return "", nil, errors.New("wrong size")
	}
	return f.Name, content, err
}

// someBytes are n bytes that can be compressed well or not at all.
func someBytes(n int, seed uint64, random bool) []byte {
	r := rand.New(rand.NewPCG(seed, 0))
	content := make([]byte, n)
	for i := range content {
		if random || i == 0 || r.IntN(64) == 0 {
			content[i] = byte(r.Uint32())
		} else {
			content[i] = content[i-1]
		}
	}
	return content
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.OneOf(rapid.IntRange(0, 100), rapid.IntRange(4000, 70_000), rapid.IntRange(1<<20, 1<<20+70_000)).Draw(t, "size")
		content := someBytes(n, rapid.Uint64().Draw(t, "seed"), rapid.Bool().Draw(t, "random"))
		name := rapid.String().Draw(t, "name")
		password := rapid.String().Draw(t, "password")
		var from io.Reader = bytes.NewReader(content)
		if rapid.Bool().Draw(t, "bit by bit") {
			from = iotest.HalfReader(from)
		}
		var archive bytes.Buffer
		require.NoError(t, Write(&archive, name, password, from))
		gotName, got, err := unzip(archive.Bytes(), password)
		require.NoError(t, err)
		require.Equal(t, safeName(name), gotName)
		require.True(t, bytes.Equal(content, got))

		_, _, err = unzip(archive.Bytes(), password+"x")
		require.Error(t, err)
	})
}

func TestSaltIsNew(t *testing.T) {
	t.Parallel()
	var a, b bytes.Buffer
	require.NoError(t, Write(&a, "f", "infected", strings.NewReader("same")))
	require.NoError(t, Write(&b, "f", "infected", strings.NewReader("same")))
	require.Equal(t, a.Len(), b.Len())
	require.NotEqual(t, a.Bytes(), b.Bytes())
}

// TestGolden holds every byte of an archive that 7-Zip has read: the headers,
// salt, verifier, data and code, descriptor, directory.
func TestGolden(t *testing.T) {
	t.Parallel()
	salt := []byte("0123456789abcdef")
	var archive bytes.Buffer
	require.NoError(t, write(&archive, "é", "infected", strings.NewReader("aaaaaaaaaaaaaaaaaaaaaa"), salt, 22))
	want := strings.Join([]string{
		"504b0304", "3300", "0908", "6300", "0000", "2100", "00000000", "00000000", "00000000", "0200", "0b00",
		"c3a9", "0199070002004145030800",
		hex.EncodeToString(salt), "482f", "455a5d95ef9978bc79", "799a003f9b80a03a2833",
		"504b0708", "00000000", "25000000", "16000000",
		"504b0102", "3300", "3300", "0908", "6300", "0000", "2100", "00000000", "25000000", "16000000", "0200", "0b00",
		"0000", "0000", "0000", "00000000", "00000000", "c3a9", "0199070002004145030800",
		"504b0506", "0000", "0000", "0100", "0100", "3b000000", "60000000", "0000",
	}, "")
	require.Equal(t, want, hex.EncodeToString(archive.Bytes()))
}

// full takes so many bytes.
type full struct{ left int }

var errFull = errors.New("full")

func (f *full) Write(p []byte) (int, error) {
	n := min(len(p), f.left)
	f.left -= n
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

func TestErrorsAreSaid(t *testing.T) {
	t.Parallel()
	content := someBytes(20_000, 1, true)
	var whole bytes.Buffer
	require.NoError(t, Write(&whole, "f", "infected", bytes.NewReader(content)))
	for _, room := range []int{0, 40, 50, 5000, whole.Len() - 110, whole.Len() - 1} {
		err := Write(&full{room}, "a\x1bb", "infected", bytes.NewReader(content))
		require.ErrorIs(t, err, errFull, "room for %d of %d bytes", room, whole.Len())
		require.ErrorContains(t, err, "zip \"a\ufffdb\": ")
	}
	require.NoError(t, Write(&full{whole.Len()}, "f", "infected", bytes.NewReader(content)))

	broken := errors.New("connection lost")
	err := Write(io.Discard, "f", "infected", io.MultiReader(bytes.NewReader(content), iotest.ErrReader(broken)))
	require.ErrorIs(t, err, broken)
}

func TestTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	salt := make([]byte, saltSize)
	require.NoError(t, write(io.Discard, "f", "infected", strings.NewReader("12345"), salt, 5))
	endless := iotest.HalfReader(io.MultiReader(strings.NewReader("123456"), iotest.ErrReader(errors.New("read on"))))
	require.EqualError(t, write(io.Discard, "f", "infected", endless, salt, 5), "the file has more than the 5 bytes that an archive takes")
}
