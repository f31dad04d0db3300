package sqlite_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/sqlite"
)

// contents is every file below a folder with its content, but for what
// SQLite's processes tell each other, readers too.
func contents(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := map[string]string{}
	require.NoError(t, filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if all[path] = string(data); strings.HasSuffix(path, "-shm") {
			all[path] = ""
		}
		return err
	}))
	return all
}

// made makes a ledger and leaves it open until the test ends, or closes it.
func made(t *testing.T, path string, open bool) *ledger.Ledger {
	t.Helper()
	l, err := sqlite.Open(t.Context(), path, ledger.Options{})
	require.NoError(t, err)
	if !open {
		require.NoError(t, l.Close())
	}
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

func execute(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.Exec(statement)
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

const addMail = `INSERT INTO mail (mailbox, uid_validity, uid, content, sha256, size, internal_date, received, status, kind, message_id, reason, subject, sender)
	VALUES ('soc', 1, 1, x'00', '', 0, 0, 0, '', '', '', '', '', '')`

func TestInspect(t *testing.T) {
	for _, tt := range []struct {
		name  string
		path  string
		build func(t *testing.T, path string)
		want  ledger.Inspection
		flaw  string
		hint  string
	}{
		{name: "missing", path: "ledger.db", want: ledger.Inspection{Known: 1}},
		{name: "folder missing", path: "some/where/ledger.db", want: ledger.Inspection{Known: 1}},
		{name: "made but for the tables", path: "ledger.db", want: ledger.Inspection{Known: 1}, build: func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, nil, 0o600))
		}},
		{name: "closed", path: "what?mode=rw#x.db", want: ledger.Inspection{Version: 1, Known: 1, Mails: 1}, build: func(t *testing.T, path string) {
			l := made(t, path, true)
			execute(t, "file:"+strings.NewReplacer("?", "%3f", "#", "%23").Replace(path), addMail)
			require.NoError(t, l.Close())
		}},
		{name: "held", path: "ledger.db", want: ledger.Inspection{Version: 1, Known: 1, Held: true, Mails: 1}, build: func(t *testing.T, path string) {
			made(t, path, true)
			execute(t, path, addMail)
		}},
		{name: "left by a daemon that was killed", path: "ledger.db", want: ledger.Inspection{Version: 1, Known: 1, Mails: 1}, build: func(t *testing.T, path string) {
			from := filepath.Join(t.TempDir(), "ledger.db")
			made(t, from, true)
			execute(t, from, addMail)
			for name, data := range contents(t, filepath.Dir(from)) {
				require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(path), filepath.Base(name)), []byte(data), 0o600))
			}
		}},
		{name: "newer", path: "ledger.db", flaw: "it has version 9000 and this sepwatch knows 1", hint: "the newer sepwatch", build: func(t *testing.T, path string) {
			made(t, path, false)
			execute(t, path, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9000, TRUE)")
		}},
		{name: "not a database", path: "ledger.db", flaw: "not a database", hint: "correct the path", build: func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("not a database. ", 100)), 0o600))
		}},
		{name: "a folder", path: "ledger.db", flaw: "it is not a file", hint: "correct the path", build: func(t *testing.T, path string) {
			require.NoError(t, os.Mkdir(path, 0o700))
		}},
		{name: "a file in place of its folder", path: "file/some/ledger.db", flaw: "file is not a folder", hint: "a folder that sepwatch's user may write to", build: func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(filepath.Dir(filepath.Dir(path)), nil, 0o600))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, tt.path)
			if tt.build != nil {
				tt.build(t, path)
			}
			before := contents(t, folder)
			got, err := sqlite.Inspect(t.Context(), path)
			if tt.flaw != "" {
				var flaw *ledger.Flaw
				require.ErrorAs(t, err, &flaw)
				require.Contains(t, flaw.Problem, tt.flaw)
				require.Contains(t, flaw.Hint, tt.hint)
			} else {
				require.NoError(t, err)
				require.Equal(t, tt.want, got)
			}
			require.Equal(t, before, contents(t, folder), "nothing is made and nothing changed")
		})
	}
}
