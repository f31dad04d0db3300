package sepclient

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// eocEcho is an EOC document as a client echoes it (A15), with a File each.
func eocEcho(files ...string) string {
	return `<EOC id="1" version="1.0" creator="sepwatch"><DataSource id="" name="" version=""/><ScanType>QUICK_SCAN</ScanType>` +
		`<Threat category="" severity="" time="" type=""><Description>Scan for the artifact of incident 2095</Description>` +
		`<URL/><User/><Attacker/><proxy ip=""/><Application/></Threat><Activity><OS id="0" name="" version=""><Process/><Files>` +
		strings.Join(files, "") + `</Files><Registry/><Network/></OS></Activity></EOC>`
}

// jsonString is a text as SEPM's JSON has it: no bracket is escaped.
func jsonString(s string) string {
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err)
	}
	return strings.TrimSpace(out.String())
}

// BenchmarkEOCResult reads what 50,000 endpoints found, as the pages of a
// command's status bring it: each endpoint was asked for a path and a hash, and
// one in ten has a file.
func BenchmarkEOCResult(b *testing.B) {
	const endpoints, size = 50_000, 200
	hash := strings.Repeat("6ef5cfd2", 8)
	var text bytes.Buffer
	text.WriteString(`{"content":[`)
	for i := range size {
		byPath, byHash := `<Matched result="NO_MATCH"/>`, `<Matched result="NO_MATCH"/>`
		if i%10 == 0 {
			path := fmt.Sprintf(`C:\Users\user%d\AppData\Local\Temp\suspicious_exe.exe`, i)
			byPath = fmt.Sprintf(`<Matched hashType="SHA256" hashValue="%s" result="FULL_MATCH" value="%s"/>`, hash, path)
			byHash = fmt.Sprintf(`<Matched hashType="SHA256" result="HASH_MATCH" value="%s"/><Matched hashType="SHA256" result="HASH_MATCH" value="C:\$Recycle.Bin\S-1-5-21\$R%d.exe"/>`, path, i)
		}
		result := jsonString(eocEcho(
			`<File action="create" name="C:\temp\suspicious_exe.exe">`+byPath+`</File>`,
			`<File action="create" name="C:\temp\suspicious_exe.exe">`+byPath+`</File>`,
			`<File action="create" name=""><Hash name="SHA256" value="`+hash+`"/>`+byHash+`</File>`))
		if i > 0 {
			text.WriteByte(',')
		}
		fmt.Fprintf(&text, `{"beginTime":"2019-06-06T11:56:26Z","lastUpdateTime":"2019-06-06T11:56:31Z","computerName":"HOST-%05d","computerIp":"10.16.0.%d",`+
			`"domainName":"Default","currentLoginUserName":"user%d","stateId":3,"subStateId":0,"subStateDesc":"","binaryFileId":null,`+
			`"resultInXML":%s,"computerId":"%032X","hardwareKey":"%032X"}`, i, i, i, result, i, i+1)
	}
	text.WriteString(`],"number":0,"size":200,"sort":[],"numberOfElements":200,"firstPage":true,"lastPage":false,"totalPages":250,"totalElements":50000}`)
	b.SetBytes(int64(text.Len()) * endpoints / size)
	b.ReportAllocs()
	var peak uint64
	for b.Loop() {
		matches := 0
		for i := range endpoints / size {
			var p page[commandStatusDTO]
			require.NoError(b, pageDecoder[commandStatusDTO]{page: &p}.decode(bytes.NewReader(text.Bytes())))
			for i := range p.items {
				matches += len(p.items[i].status().Result.Matches)
			}
			if i%25 == 0 {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapInuse)
			}
		}
		require.Equal(b, endpoints/10*3, matches)
	}
	b.ReportMetric(float64(peak), "peak-B")
}

// BenchmarkMatches reads one large result as it comes, beside encoding/xml
// going over the same tokens.
func BenchmarkMatches(b *testing.B) {
	var files strings.Builder
	for i := range maxMatches {
		fmt.Fprintf(&files, `<File action="create" name=""><Hash name="SHA256" value="%064x"/>`+
			`<Matched hashType="SHA256" result="HASH_MATCH" value="C:\Users\user%d\AppData\Local\Temp\suspicious_exe.exe"/></File>`, i, i)
	}
	result := []byte(eocEcho(files.String()))
	for name, read := range map[string]func(r io.Reader) int{
		"here": func(r io.Reader) (n int) {
			for _, err := range Matches(r) {
				require.NoError(b, err)
				n++
			}
			return n
		},
		"encoding/xml": func(r io.Reader) (n int) {
			for d := xml.NewDecoder(r); ; {
				token, err := d.RawToken()
				if err == io.EOF {
					return n
				}
				require.NoError(b, err)
				if start, ok := token.(xml.StartElement); ok && start.Name.Local == "Matched" {
					n++
				}
			}
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(result)))
			b.ReportAllocs()
			for b.Loop() {
				require.Equal(b, maxMatches, read(bytes.NewReader(result)))
			}
		})
	}
}
