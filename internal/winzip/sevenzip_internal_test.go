package winzip

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/realparts"
)

// sevenZip runs 7-Zip on an archive, in a folder of its own inside one that
// holds nothing else, and gives the files that are there afterwards, by name.
func sevenZip(t *testing.T, program string, archive []byte, password string) (files map[string][]byte, err error) {
	t.Helper()
	dir := t.TempDir()
	in := filepath.Join(t.TempDir(), "archive.zip")
	out := filepath.Join(dir, "in", "here")
	require.NoError(t, os.WriteFile(in, archive, 0o600))
	require.NoError(t, os.MkdirAll(out, 0o700))
	cmd := exec.CommandContext(t.Context(), program, "x", "-y", "-p"+password, in)
	cmd.Dir = out
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	said, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, said)
	}
	files = make(map[string][]byte)
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(out, path)
		require.NoError(t, err)
		files[name], err = os.ReadFile(path)
		require.NoError(t, err)
		info, err := entry.Info()
		require.NoError(t, err)
		require.True(t, info.Mode().IsRegular())
		require.Zero(t, info.Mode()&0o111, "it cannot be executed")
		return nil
	}))
	return files, nil
}

func sevenZipProgram(t *testing.T) string {
	t.Helper()
	return realparts.Need(t, "7-Zip", "7zz", "/usr/bin/7z", "/usr/bin/7zz")
}

func TestSevenZipUnpacks(t *testing.T) {
	t.Parallel()
	program := sevenZipProgram(t)
	for _, size := range []int{0, 1, 15, 16, 17, 4096, 65_536, 1<<20 + 17, 5 << 20} {
		for _, random := range []bool{false, true} {
			content := someBytes(size, uint64(size), random)
			var archive bytes.Buffer
			require.NoError(t, Write(&archive, "malware.exe", "infected", bytes.NewReader(content)))
			files, err := sevenZip(t, program, archive.Bytes(), "infected")
			require.NoError(t, err)
			require.Len(t, files, 1)
			require.True(t, bytes.Equal(content, files["malware.exe"]), "%d bytes", size)
		}
	}
}

func TestSevenZipUnpacksHostileNamesInPlace(t *testing.T) {
	t.Parallel()
	program := sevenZipProgram(t)
	for name, want := range hostileNames {
		var archive bytes.Buffer
		require.NoError(t, Write(&archive, name, "infected", bytes.NewReader([]byte("content"))))
		files, err := sevenZip(t, program, archive.Bytes(), "infected")
		require.NoError(t, err)
		require.Equal(t, map[string][]byte{want: []byte("content")}, files)
	}
}

func TestSevenZipRefuses(t *testing.T) {
	t.Parallel()
	program := sevenZipProgram(t)
	var archive bytes.Buffer
	require.NoError(t, Write(&archive, "malware.exe", "infected", bytes.NewReader(someBytes(10_000, 1, true))))
	_, err := sevenZip(t, program, archive.Bytes(), "wrong")
	require.ErrorContains(t, err, "Wrong password")

	changed := bytes.Clone(archive.Bytes())
	changed[5000] ^= 1
	_, err = sevenZip(t, program, changed, "infected")
	require.Error(t, err, "the authentication code tells of one changed bit")
}
