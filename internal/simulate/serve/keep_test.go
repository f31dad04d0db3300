package serve_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/serve"
)

func TestKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kept.pem")
	made, err := serve.Kept(file, "192.0.2.7")
	require.NoError(t, err)
	require.NoError(t, made.Leaf.VerifyHostname("192.0.2.7"))
	again, err := serve.Kept(file)
	require.NoError(t, err)
	require.Equal(t, made.Certificate, again.Certificate)
	require.Equal(t, made.PrivateKey, again.PrivateKey)

	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	block, _ := pem.Decode(data)
	require.Equal(t, "CERTIFICATE", block.Type, "the file is a client's CA file too")
	sum := sha256.Sum256(block.Bytes)
	require.Equal(t, "sha256:"+hex.EncodeToString(sum[:]), serve.Fingerprint(made))
}

func TestKeptBySeveralAtOnce(t *testing.T) {
	for range 20 {
		dir := t.TempDir()
		const all = 4
		begin, shown := make(chan struct{}), make(chan string, all)
		for range all {
			go func() {
				<-begin
				cert, err := serve.Kept(filepath.Join(dir, "kept.pem"))
				if err != nil {
					shown <- err.Error()
					return
				}
				shown <- serve.Fingerprint(cert)
			}()
		}
		close(begin)
		first := <-shown
		for range all - 1 {
			require.Equal(t, first, <-shown, "all serve with one certificate")
		}
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, left, 1, "and nothing else is left behind")
	}
}

func TestKeptInVain(t *testing.T) {
	dir := t.TempDir()
	_, err := serve.Kept(filepath.Join(dir, "missing", "kept.pem"))
	require.ErrorContains(t, err, "keep the certificate")
	_, err = serve.Kept(dir)
	require.ErrorContains(t, err, "read the certificate")
	_, caPEM, err := serve.SelfSigned()
	require.NoError(t, err)
	keyless := filepath.Join(dir, "keyless.pem")
	require.NoError(t, os.WriteFile(keyless, caPEM, 0o600))
	_, err = serve.Kept(keyless)
	require.ErrorContains(t, err, keyless+" does not hold a certificate and its key")
	kept, err := os.ReadFile(keyless)
	require.NoError(t, err)
	require.Equal(t, caPEM, kept, "what is there is left alone")
}
