package schema

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMigrations(t *testing.T) {
	names, err := fs.Glob(texts, "*.sql")
	require.NoError(t, err)
	for _, dialect := range []Dialect{SQLite(), Postgres()} {
		all, err := migrations(dialect)
		require.NoError(t, err)
		require.Len(t, all, len(names))
		for i, migration := range all {
			require.Equal(t, int64(i+1), migration.Version, "numbered without gaps, in the order of the names")
		}
		for _, name := range names {
			text, err := fs.ReadFile(texts, name)
			require.NoError(t, err)
			require.NotContains(t, dialect.words.Replace(string(text)), "{{", "%s: a word that %s does not have", name, dialect.name)
		}
	}
}
