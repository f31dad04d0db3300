package indicator_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/parse/indicator/indicatortest"
)

// TestXioc holds the goals on the cases of assafmo/xioc. Where they are not
// met in full it is on purpose: see its list in docs/performance.md.
func TestXioc(t *testing.T) {
	t.Parallel()
	const precision, recall = 0.97, 0.95
	for _, s := range indicatortest.Xioc(t, "../../testdata") {
		t.Logf("%s: precision %.3f, recall %.3f", s.Type, s.Precision(), s.Recall())
		wrong := strings.Join(append(append([]string{"not expected:"}, s.False...), append([]string{"missed:"}, s.Missed...)...), "\n")
		require.GreaterOrEqual(t, s.Precision(), precision, "%s\n%s", s.Type, wrong)
		require.GreaterOrEqual(t, s.Recall(), recall, "%s\n%s", s.Type, wrong)
		t.Log(wrong)
	}
}
