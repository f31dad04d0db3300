package bench

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/parse/indicator"
	"github.com/sepwatch/sepwatch/parse/indicator/indicatortest"
)

// measureIndicators scores what is found in free text, and times the search.
func measureIndicators(tb testing.TB, _ scale, got figures) {
	testdata := filepath.Join("..", "..", "testdata")
	for _, s := range indicatortest.Xioc(tb, testdata) {
		got["indicator_precision_"+s.Type] = s.Precision()
		got["indicator_recall_"+s.Type] = s.Recall()
	}
	var texts []string
	size := 0
	for _, name := range []string{filepath.Join("mail", "F01-guide-lf.eml"), filepath.Join("xioc", "tests.json")} {
		text, err := os.ReadFile(filepath.Join(testdata, name))
		require.NoError(tb, err)
		texts = append(texts, string(text))
		size += len(text)
	}
	const rounds, repeat = 21, 10
	var speeds []float64
	for range rounds {
		took := timed(repeat, func() {
			for _, text := range texts {
				require.NotEmpty(tb, indicator.Find(text))
			}
		})
		speeds = append(speeds, float64(repeat*size)/1e6/took.Seconds())
	}
	got["indicator_mb_per_second"] = median(speeds)
}
