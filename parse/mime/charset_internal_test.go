package mime

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
)

func TestToUTF8(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ raw, declared, want, applied, flaw string }{
		{"", "", "", "utf-8", ""},
		{"a", "x-none", "a", "utf-8", `is in "x-none", which is unknown, and was read as utf-8`},
		{"\xe9", "x-none", "é", "windows-1252", `is in "x-none", which is unknown, and was read as windows-1252`},
		{"é", "", "é", "utf-8", ""},
		{"é", "US-ASCII", "é", "utf-8", ""},
		{"\xef\xbb\xbfé", "utf-8", "é", "utf-8", ""},
		{"\xe9", "latin1", "é", "windows-1252", ""},
		{"\x93a\x94\x80", "ISO-8859-1", "“a”€", "windows-1252", ""}, // as browsers read it
		{"\xa4", "iso-8859-15", "€", "iso-8859-15", ""},
		{"\x84", "cp437", "ä", "cp437", ""},
		{"J\xfcrgen \xa9", "windows-1250", "Jürgen ©", "windows-1250", ""},

		// The charset that is declared is not that of the text.
		{"Jürgen", "iso-8859-1", "Jürgen", "utf-8", `is not "iso-8859-1", it was read as UTF-8`},
		{"Jürgen", "windows-1251", "Jürgen", "utf-8", `is not "windows-1251", it was read as UTF-8`},
		{"Größe für Bücher über Möbel", "shift_jis", "Größe für Bücher über Möbel", "utf-8", `is not "shift_jis", it was read as UTF-8`},
		{"恶意软件服务器", "gbk", "恶意软件服务器", "utf-8", `is not "gbk", it was read as UTF-8`},
		{"plain text\r\n", "utf-16le", "plain text\r\n", "utf-8", `is not "utf-16le", it was read as UTF-8`},
		{"J\xfcrgen", "utf-8", "Jürgen", "windows-1252", `is not "utf-8", it was read as windows-1252`},
		{"J\xfcrgen", "us-ascii", "Jürgen", "windows-1252", `is not "us-ascii", it was read as windows-1252`},
		{"J\xfcrgen", "", "Jürgen", "windows-1252", `is not "utf-8", it was read as windows-1252`},
		{"\xfc, \xe9, \xe4", "gb18030", "ü, é, ä", "windows-1252", `is not "gb18030", it was read as windows-1252`},
		{"\xff\xfea\x00", "utf-8", "a", "utf-16", ""},
		{"\xfe\xff\x00a", "", "a", "utf-16", ""},
		{"\x1b$BEl5~\x1b(B", "us-ascii", "東京", "iso-2022-jp", `is not "us-ascii", it was read as iso-2022-jp`},
		{"\x1b[31mred\x1b$", "", "\x1b[31mred\x1b$", "utf-8", ""},

		// A bad byte costs itself.
		{"Jürgen \xff Größe", "utf-8", "Jürgen \ufffd Größe", "utf-8", `is not "utf-8", it was read as UTF-8 with bad bytes`},
		{"\x93\x8c\x8b\x9e\x93\x8c\x8b\x9e\xff.", "shift_jis", "東京東京\ufffd.", "shift_jis", `is not all "shift_jis", it has bad bytes`},
		{"\x1b$BEl5~\x1b(Bab\xffcd", "iso-2022-jp", "東京ab\ufffdcd", "iso-2022-jp", `is not all "iso-2022-jp", it has bad bytes`},

		// What other libraries make one U+FFFD of.
		{"a", "iso-2022-kr", "a", "utf-8", `is in "iso-2022-kr", which is unknown, and was read as utf-8`},
	} {
		text, applied, flaw := toUTF8([]byte(test.raw), test.declared)
		require.Equal(t, test.want, text, "%q as %s", test.raw, test.declared)
		require.Equal(t, test.applied, applied, "%q as %s", test.raw, test.declared)
		require.Equal(t, test.flaw, flaw, "%q as %s", test.raw, test.declared)
	}
}

// TestDeclaredCharsets: every charset that mails with such texts come in is
// read when it is declared.
func TestDeclaredCharsets(t *testing.T) {
	t.Parallel()
	utf16 := unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	for label, test := range map[string]struct {
		enc  encoding.Encoding
		text string
	}{
		"Shift_JIS": {japanese.ShiftJIS, "東京 ﾃｽﾄ"}, "cp932": {japanese.ShiftJIS, "①東京"}, "ISO-2022-JP": {japanese.ISO2022JP, "東京"}, "euc-jp": {japanese.EUCJP, "東京"},
		"GB2312": {simplifiedchinese.GB18030, "北京"}, "gbk": {simplifiedchinese.GBK, "北京€"}, "GB18030": {simplifiedchinese.GB18030, "北京😀"}, "hz-gb-2312": {simplifiedchinese.HZGB2312, "北京"},
		"cp936": {simplifiedchinese.GBK, "北京"}, "Big5": {traditionalchinese.Big5, "臺北"}, "ks_c_5601-1987": {korean.EUCKR, "서울"}, "euc-kr": {korean.EUCKR, "서울"},
		"windows-1251": {charmap.Windows1251, "Москва"}, "koi8-r": {charmap.KOI8R, "Москва"}, "iso-8859-2": {charmap.ISO8859_2, "Łódź"}, "iso-8859-7": {charmap.ISO8859_7, "Αθήνα"},
		"windows-1255": {charmap.Windows1255, "ירושלים"}, "windows-1256": {charmap.Windows1256, "الرياض"}, "windows-874": {charmap.Windows874, "กรุงเทพ"}, "macintosh": {charmap.Macintosh, "Zürich"},
		"utf-16be": {utf16, "a é 東京\r\n"}, "UNICODE-1-1-UTF-8": {unicode.UTF8, "é"}, "windows-1258": {charmap.Windows1258, "đ"}, "ibm850": {charmap.CodePage850, "Jürgen"},
	} {
		raw, err := test.enc.NewEncoder().Bytes([]byte(test.text))
		require.NoError(t, err, label)
		text, _, flaw := toUTF8(raw, label)
		require.Equal(t, test.text, text, label)
		require.Empty(t, flaw, label)
	}
}

// TestDetect measures the guess of a charset on alerts that declare none, in
// which some names are not English. It must not be wrong more often than
// once in twenty; where it is not sure, the text is windows-1252.
func TestDetect(t *testing.T) {
	t.Parallel()
	const alert = "At least one security risk found:\r\nRisk name: Trojan.Gen.NPE\r\nFile path: C:\\Users\\%[1]s\\%[2]s.exe\r\n" +
		"User: %[1]s\r\nComputer: TEST-ENDPOINT\r\nDomain: Default\r\nClient Group: My Company\\%[3]s\r\nAction taken on risk: Left alone\r\n"
	total, wrong := 0, 0
	for _, test := range []struct {
		enc   encoding.Encoding
		name  string
		least int // of 100 that are to be recognised
		words string
	}{
		{japanese.ISO2022JP, "iso-2022-jp", 100, "田中 管理者 新しいフォルダー 東京営業所 マルウェア サーバー 請求書 鈴木一郎"},
		{japanese.ShiftJIS, "shift_jis", 80, "田中 管理者 新しいフォルダー ドキュメント 東京営業所 マルウェア サーバー 請求書 鈴木一郎 デスクトップ"},
		{japanese.EUCJP, "euc-jp", 80, "田中 管理者 新しいフォルダー ドキュメント 東京営業所 マルウェア サーバー 請求書 鈴木一郎 デスクトップ"},
		{simplifiedchinese.GB18030, "gb18030", 90, "张伟 管理员 新建文件夹 北京办公室 恶意软件 服务器 财务部 李小明 上海分公司"},
		{traditionalchinese.Big5, "big5", 25, "陳先生 管理員 新增資料夾 臺北辦公室 惡意軟體 伺服器 財務部 李小明 分公司"},
		{korean.EUCKR, "euc-kr", 95, "김철수 관리자 새폴더 서울사무소 악성코드 서버 바이러스 견적서 이영희 바탕화면"},
		{charmap.Windows1251, "windows-1251", 60, "Иванов Администратор Документы Москва Бухгалтерия вирус сервер договор Петров"},
		{charmap.KOI8R, "koi8-r", 55, "Иванов Администратор Документы Москва Бухгалтерия вирус сервер договор Петров"},
		{charmap.Windows1253, "windows-1253", 20, "Διαχειριστής Έγγραφα Αθήνα Λογιστήριο διακομιστής τιμολόγιο συμβόλαιο"},
		{charmap.Windows1255, "windows-1255", 40, "מנהל מסמכים ירושלים הנהלה שרת חשבונית חוזה פיתוח"},
		{charmap.Windows1252, "windows-1252", 99, "Jürgen Müller böse Büro Größe Système Société Éric François naïve Peña niño Åse Øyvind smörgås São coração Ação façade “quoted” €100 Hélène ÄÖÜ åäö øæå ïë ÖÄ «été»"},
		{charmap.Windows1252, "windows-1252", 100, "Jürgen Trojan exe files Public desktop"},
	} {
		words := append(strings.Fields(test.words), "x") // a name may be the only one
		n, right := 0, 0
		for i := range words {
			for j := range words {
				raw, err := test.enc.NewEncoder().Bytes(fmt.Appendf(nil, alert, words[i], words[j], words[(i+2*j+1)%len(words)]))
				require.NoError(t, err)
				if isASCII(raw) && test.enc != japanese.ISO2022JP {
					continue
				}
				n++
				switch _, applied, _ := toUTF8(raw, ""); applied {
				case test.name:
					right++
				case "windows-1252":
				default:
					wrong++
				}
			}
		}
		total += n
		t.Logf("%-12s %3d of %3d", test.name, right, n)
		require.GreaterOrEqual(t, 100*right, test.least*n, test.name)
	}
	t.Logf("%d of %d are taken for another charset", wrong, total)
	require.Less(t, 20*wrong, total)
}

func TestMetaCharset(t *testing.T) {
	t.Parallel()
	const page = "<html><head><meta http-equiv=Content-Type content=\"text/html; charset=shift_jis\"></head>\x93\x8c\x8b\x9e"
	for _, header := range []string{"text/html", "text/html; charset=shift_jis"} {
		m := Read([]byte("Content-Type: " + header + "\n\n" + page))
		require.Contains(t, m.Texts[0].Text, "東京")
		require.Equal(t, "shift_jis", m.Texts[0].Charset)
		require.Empty(t, m.Warnings.Texts())
	}
	m := Read([]byte("Content-Type: text/html; charset=euc-jp\n\n" + page))
	require.NotContains(t, m.Texts[0].Text, "東京", "the header counts")
}
