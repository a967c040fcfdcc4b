package browser_test
import ("testing";"time")
func TestZZ(t *testing.T){
 t0:=time.Now()
 h:=newHouse(t,maneki)
 t.Log("house",time.Since(t0)); t0=time.Now()
 h.owner()
 t.Log("owner",time.Since(t0)); t0=time.Now()
 for i:=range 3 { h.incident(string(rune('a'+i)),"critical","x"+string(rune('a'+i)),"checkout"); t.Log("inc",time.Since(t0)); t0=time.Now() }
 b:=h.owner().at(t,phone())
 t.Log("tab",time.Since(t0)); t0=time.Now()
 b.end()
 t.Log("end",time.Since(t0)); t0=time.Now()
 t.Cleanup(func(){t.Log("cleanup from",time.Since(t0))})
}
