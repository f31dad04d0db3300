package indicator_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/parse/indicator/indicatortest"
)

// TestXioc holds the goals on the cases of assafmo/xioc, and names each case
// in which an analyst wants something else than they do.
func TestXioc(t *testing.T) {
	t.Parallel()
	const precision, recall = 0.97, 0.95
	const underscores = "bne_DNSTRWIN-LJLV2NKIOKPR1009969912_779542217.shalaghlagh.tk"
	unlike := map[string][]string{
		"domain": {
			// The whole name was looked up, and nobody registered the rest of it.
			"false: bne_dnstrwin-ljlv2nkiokpr1009969912_779542217.shalaghlagh.tk in " + underscores,
			"missed: 779542217.shalaghlagh.tk in " + underscores,
			// Files.
			"missed: npki.zip in {PHONE_NUMBER}_npki.zip",
			"missed: video1.cab in hXXp://playback.savefrom.biz/video/video1.cab",
		},
		// English.
		"email": {"missed: failed@0day.rocks in certbot failed at 0day[dot]rocks?"},
	}
	for _, s := range indicatortest.Xioc(t, "../../testdata") {
		var got []string
		for _, value := range s.False {
			got = append(got, "false: "+value)
		}
		for _, value := range s.Missed {
			got = append(got, "missed: "+value)
		}
		require.ElementsMatch(t, unlike[s.Type], got, s.Type)
		require.GreaterOrEqual(t, s.Precision(), precision, s.Type)
		require.GreaterOrEqual(t, s.Recall(), recall, s.Type)
	}
}
