package winzip

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"slices"
)

// Sizes of AES-256 in WinZip's description, in bytes.
const (
	saltSize     = 16
	keySize      = 32
	verifierSize = 2 // tells most wrong passwords
	codeSize     = 10
)

// iterations is how often a password is hashed, which the description fixes.
const iterations = 1000

// encrypter writes a file's data: salt and verifier, what is written to it
// encrypted, and the authentication code.
type encrypter struct {
	w    io.Writer
	code hash.Hash
	// The key stream is the encryption of a number that counts blocks from 1,
	// its least byte first. That is not [cipher.NewCTR]'s order.
	block cipher.Block
	count uint64
	key   [aes.BlockSize]byte // the block in use
	used  int                 // of key
	out   [4096]byte
}

func newEncrypter(w io.Writer, password string, salt []byte) (*encrypter, error) {
	keys, err := pbkdf2.Key(sha1.New, password, salt, iterations, 2*keySize+verifierSize)
	if err != nil {
		return nil, fmt.Errorf("make keys of the password: %w", err)
	}
	block, err := aes.NewCipher(keys[:keySize])
	if err != nil {
		return nil, fmt.Errorf("make keys of the password: %w", err)
	}
	if _, err := w.Write(slices.Concat(salt, keys[2*keySize:])); err != nil {
		return nil, err
	}
	return &encrypter{w: w, block: block, code: hmac.New(sha1.New, keys[keySize:2*keySize]), used: aes.BlockSize}, nil
}

func (e *encrypter) Write(p []byte) (int, error) {
	written := 0
	for chunk := range slices.Chunk(p, len(e.out)) {
		out := e.out[:len(chunk)]
		e.xor(out, chunk)
		e.code.Write(out)
		n, err := e.w.Write(out)
		written += n
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

func (e *encrypter) xor(dst, src []byte) {
	for len(src) > 0 {
		if e.used == len(e.key) {
			e.count++
			e.key = [aes.BlockSize]byte{}
			binary.LittleEndian.PutUint64(e.key[:], e.count)
			e.block.Encrypt(e.key[:], e.key[:])
			e.used = 0
		}
		n := subtle.XORBytes(dst, src, e.key[e.used:])
		e.used += n
		dst, src = dst[n:], src[n:]
	}
}

// close ends the data; it does not close what it is written to.
func (e *encrypter) close() error {
	_, err := e.w.Write(e.code.Sum(nil)[:codeSize])
	return err
}
