// The state machine: the eight calls on a server's and a client's side, in any order, and what Linux says.
// Nothing is computed here, all is looked up. A test of pocket-socket plays every entry with real sockets:
// cargo test -p pocket-socket --test state_machine (with UPDATE_TABLE=1 it writes the table anew).
(function () {
  "use strict";

  // A line is a state: what is seen; what each call returns; where it leads.
  // Seen: s|conn|c|what else the kernel keeps; a socket as STATE WHERE:UNREAD+FLAGS.
  // (R: no more comes. H: nothing can be sent either. E, P: an error waits. LISTEN has the length of its queue.)
  // Returned: a letter for each place and call, an index into RESULTS; a dot where the call is not offered.
  // Leads to: the call's letter and the number of a state; where there is none, the state stays.
  const PLACES = ["s", "conn", "c"];
  const CALLS = ["socket", "bind", "listen", "accept", "connect", "send", "recv", "close"];
  const RESULTS = "ok 5 0 waits EINVAL EADDRINUSE ECONNREFUSED ECONNRESET EPIPE ENOTCONN EISCONN ENOENT ECONNABORTED EOPNOTSUPP ENOTSOCK EBADF".split(" ");
  const TABLE = {
    tcp: [
    // TABLE tcp
    "-|-|-|;a...............a.......;a1 q4",
    "CLOSED+H|-|-|;.aaegija........a.......;b2 c15 e16 h0 q5",
    "CLOSED here+H|-|-|;.eae.ija........a.......;c3 h0 q6",
    "LISTEN here 0|-|-|;.eadkija........a.......;h0 q7",
    "-|-|CLOSED+H|;a................a.egija;a5 r8 u18 x11",
    "CLOSED+H|-|CLOSED+H|;.aaegija.........a.egija;b6 c17 e23 h4 r9 u19 x12",
    "CLOSED here+H|-|CLOSED+H|;.eae.ija.........f.egija;c7 h4 u20 x13",
    "LISTEN here 0|-|CLOSED+H|;.eadkija.........f.eaija;h4 u26 x14",
    "-|-|CLOSED here+H|;a................e.e.ija;a9 x11",
    "CLOSED+H|-|CLOSED here+H|;.faegija.........e.e.ija;c10 e25 h8 x12",
    "LISTEN elsewhere 0|-|CLOSED here+H|;.eadkija.........e.e.ija;h8 x22",
    "-|-|gone|;a.......................;a12",
    "CLOSED+H|-|gone|;.aaegija................;b13 c22 e47 h11",
    "CLOSED here+H|-|gone|;.eae.ija................;c14 h11",
    "LISTEN here 0|-|gone|;.eadkija................;h11",
    "LISTEN elsewhere 0|-|-|;.eadkija........a.......;h0 q17",
    "CLOSED elsewhere+H|-|-|;.aaegija........a.......;b2 c15 h0 q23",
    "LISTEN elsewhere 0|-|CLOSED+H|;.eadkija.........a.egija;h4 r10 u24 x22",
    "-|-|CLOSED elsewhere+H|;a................a.egija;a19 r8 x11",
    "CLOSED+H|-|CLOSED elsewhere+H|;.aaegija.........a.egija;b20 c24 e46 h18 r9 x12",
    "CLOSED here+H|-|CLOSED elsewhere+H|;.eae.ija.........f.egija;c21 h18 x13",
    "LISTEN here 0|-|CLOSED elsewhere+H|;.eadkija.........f.eaija;h18 u26 x14",
    "LISTEN elsewhere 0|-|gone|;.eadkija................;h11",
    "CLOSED elsewhere+H|-|CLOSED+H|;.aaegija.........a.egija;b6 c17 h4 r25 u46 x47",
    "LISTEN elsewhere 0|-|CLOSED elsewhere+H|;.eadkija.........a.egija;h18 r10 x22",
    "CLOSED elsewhere+H|-|CLOSED here+H|;.faegija.........e.e.ija;c10 h8 x47",
    "LISTEN here 1|-|ESTAB|server ESTAB;.eaakija.........e.ekbda;d27 h48 v55 x66",
    "LISTEN here 0|ESTAB|ESTAB|;.ea.kija.eeekbda.e..kbda;h28 n71 p82 v56 x67",
    "-|ESTAB|ESTAB|;.........eeekbda.e..kbda;n29 p72 v57 x68",
    "-|ESTAB|ESTAB:5|;.........eeek.da.e..kbba;p30 v58 w28 x103",
    "-|-|CLOSE-WAIT:5+R|server FIN-WAIT-2;a................e.ekbba;a31 v33 w72 x11",
    "CLOSED+H|-|CLOSE-WAIT:5+R|server FIN-WAIT-2;.faegija.........e.ekbba;c32 e135 h30 v34 w73 x12",
    "LISTEN elsewhere 0|-|CLOSE-WAIT:5+R|server FIN-WAIT-2;.eadkija.........e.ekbba;h30 v136 w74 x22",
    "-|-|CLOSED elsewhere:5+RHP|;a................a.ekiba;a34 r37 v112 w75 x11",
    "CLOSED+H|-|CLOSED elsewhere:5+RHP|;.aaegija.........a.ekiba;b35 c136 e141 h33 r38 v113 w76 x12",
    "CLOSED here+H|-|CLOSED elsewhere:5+RHP|;.eae.ija.........f.ekiba;c36 h33 v114 w77 x13",
    "LISTEN here 0|-|CLOSED elsewhere:5+RHP|;.eadkija.........f.ekiba;h33 v111 w78 x14",
    "-|-|CLOSED here:5+RHP|;a................e.ekiba;a38 v40 w79 x11",
    "CLOSED+H|-|CLOSED here:5+RHP|;.faegija.........e.ekiba;c39 e143 h37 v41 w80 x12",
    "LISTEN elsewhere 0|-|CLOSED here:5+RHP|;.eadkija.........e.ekiba;h37 v42 w81 x22",
    "-|-|CLOSED here:5+RH|;a................e.ekiba;a41 w43 x11",
    "CLOSED+H|-|CLOSED here:5+RH|;.faegija.........e.ekiba;c42 e148 h40 w44 x12",
    "LISTEN elsewhere 0|-|CLOSED here:5+RH|;.eadkija.........e.ekiba;h40 w45 x22",
    "-|-|CLOSED here+RH|;a................e.ekica;a44 x11",
    "CLOSED+H|-|CLOSED here+RH|;.faegija.........e.ekica;c45 e124 h43 x12",
    "LISTEN elsewhere 0|-|CLOSED here+RH|;.eadkija.........e.ekica;h43 x22",
    "CLOSED elsewhere+H|-|CLOSED elsewhere+H|;.aaegija.........a.egija;b20 c24 h18 r25 x47",
    "CLOSED elsewhere+H|-|gone|;.aaegija................;b13 c22 h11",
    "-|-|CLOSED elsewhere+RHE|;a................a.ekhha;a49 r52 v87 w87 x11",
    "CLOSED+H|-|CLOSED elsewhere+RHE|;.aaegija.........a.ekhha;b50 c106 e107 h48 r53 v88 w88 x12",
    "CLOSED here+H|-|CLOSED elsewhere+RHE|;.eae.ija.........f.ekhha;c51 h48 v89 w89 x13",
    "LISTEN here 0|-|CLOSED elsewhere+RHE|;.eadkija.........f.ekhha;h48 v90 w90 x14",
    "-|-|CLOSED here+RHE|;a................e.ekhha;a53 v43 w43 x11",
    "CLOSED+H|-|CLOSED here+RHE|;.faegija.........e.ekhha;c54 e108 h52 v44 w44 x12",
    "LISTEN elsewhere 0|-|CLOSED here+RHE|;.eadkija.........e.ekhha;h52 v45 w45 x22",
    "LISTEN here 1|-|ESTAB|server ESTAB:5;.eaakija.........e.ek.da;d56 h48 x92",
    "LISTEN here 0|ESTAB:5|ESTAB|;.ea.kija.eeekbba.e..k.da;h57 n86 o27 p51 x93",
    "-|ESTAB:5|ESTAB|;.........eeekbba.e..k.da;n58 o28 p48 x94",
    "-|ESTAB:5|ESTAB:5|;.........eeek.ba.e..k.ba;o29 p59 w57 x116",
    "-|-|CLOSED elsewhere:5+RHE|;a................a.ekhba;a60 r63 v112 w48 x11",
    "CLOSED+H|-|CLOSED elsewhere:5+RHE|;.aaegija.........a.ekhba;b61 c144 e145 h59 r64 v113 w49 x12",
    "CLOSED here+H|-|CLOSED elsewhere:5+RHE|;.eae.ija.........f.ekhba;c62 h59 v114 w50 x13",
    "LISTEN here 0|-|CLOSED elsewhere:5+RHE|;.eadkija.........f.ekhba;h59 v111 w51 x14",
    "-|-|CLOSED here:5+RHE|;a................e.ekhba;a64 v40 w52 x11",
    "CLOSED+H|-|CLOSED here:5+RHE|;.faegija.........e.ekhba;c65 e146 h63 v41 w53 x12",
    "LISTEN elsewhere 0|-|CLOSED here:5+RHE|;.eadkija.........e.ekhba;h63 v42 w54 x22",
    "LISTEN here 1|-|gone|client FIN-WAIT-2,server CLOSE-WAIT;.eaakija................;d67 h11",
    "LISTEN here 0|CLOSE-WAIT+R|gone|client FIN-WAIT-2;.ea.kija.eeekbca........;h68 n91 p100",
    "-|CLOSE-WAIT+R|gone|client FIN-WAIT-2;.........eeekbca........;n69 p97",
    "-|CLOSED here+RHP|gone|;.........aeekica........;n70 p11",
    "-|CLOSED here+RH|gone|;.........eeekica........;p11",
    "LISTEN here 0|ESTAB|ESTAB:5|;.ea.kija.eeek.da.e..kbba;h29 p101 v86 w27 x102",
    "-|-|CLOSE-WAIT+R|server FIN-WAIT-2;a................e.ekbca;a73 v75 x83",
    "CLOSED+H|-|CLOSE-WAIT+R|server FIN-WAIT-2;.faegija.........e.ekbca;c74 e125 h72 v76 x84",
    "LISTEN elsewhere 0|-|CLOSE-WAIT+R|server FIN-WAIT-2;.eadkija.........e.ekbca;h72 v126 x85",
    "-|-|CLOSED elsewhere+RHP|;a................a.ekica;a76 r79 v87 x11",
    "CLOSED+H|-|CLOSED elsewhere+RHP|;.aaegija.........a.ekica;b77 c126 e137 h75 r80 v88 x12",
    "CLOSED here+H|-|CLOSED elsewhere+RHP|;.eae.ija.........f.ekica;c78 h75 v89 x13",
    "LISTEN here 0|-|CLOSED elsewhere+RHP|;.eadkija.........f.ekica;h75 v90 x14",
    "-|-|CLOSED here+RHP|;a................e.ekica;a80 v43 x11",
    "CLOSED+H|-|CLOSED here+RHP|;.faegija.........e.ekica;c81 e138 h79 v44 x12",
    "LISTEN elsewhere 0|-|CLOSED here+RHP|;.eadkija.........e.ekica;h79 v45 x22",
    "LISTEN here 0|-|CLOSE-WAIT+R|server FIN-WAIT-2;.eadkija.........e.ekbca;h72 v78 x104",
    "-|-|gone|server TIME-WAIT;a.......................;a84",
    "CLOSED+H|-|gone|server TIME-WAIT;.faegija................;c85 e127 h83",
    "LISTEN elsewhere 0|-|gone|server TIME-WAIT;.eadkija................;h83",
    "LISTEN here 0|ESTAB:5|ESTAB:5|;.ea.kija.eeek.ba.e..k.ba;h58 o71 p62 w56 x115",
    "-|-|CLOSED elsewhere+RH|;a................a.ekica;a88 r43 x11",
    "CLOSED+H|-|CLOSED elsewhere+RH|;.aaegija.........a.ekica;b89 c109 e110 h87 r44 x12",
    "CLOSED here+H|-|CLOSED elsewhere+RH|;.eae.ija.........f.ekica;c90 h87 x13",
    "LISTEN here 0|-|CLOSED elsewhere+RH|;.eadkija.........f.ekica;h87 x14",
    "LISTEN here 0|CLOSED here+RHP|gone|;.ea.kija.feekica........;h69 j122 n119 p14",
    "LISTEN here 1|-|gone|client FIN-WAIT-2,server CLOSE-WAIT:5;.eaakija................;d93 h11",
    "LISTEN here 0|CLOSE-WAIT:5+R|gone|client FIN-WAIT-2;.ea.kija.eeekbba........;h94 n105 o67 p14",
    "-|CLOSE-WAIT:5+R|gone|client FIN-WAIT-2;.........eeekbba........;n95 o68 p11",
    "-|CLOSED here:5+RHP|gone|;.........aeekiba........;n96 o69 p11",
    "-|CLOSED here:5+RH|gone|;.........eeekiba........;o70 p11",
    "-|-|gone|client TIME-WAIT;a.......................;a98",
    "CLOSED+H|-|gone|client TIME-WAIT;.aaegija................;b99 c139 e140 h97",
    "CLOSED here+H|-|gone|client TIME-WAIT;.eae.ija................;c100 h97",
    "LISTEN here 0|-|gone|client TIME-WAIT;.eadkija................;h97",
    "LISTEN here 0|-|CLOSE-WAIT:5+R|server FIN-WAIT-2;.eadkija.........e.ekbba;h30 v36 w82 x14",
    "LISTEN here 0|CLOSED here+RHE|gone|;.ea.kija.feekhha........;h103 j117 n119 o119 p14",
    "-|CLOSED here+RHE|gone|;.........aeekhha........;n70 o70 p11",
    "LISTEN here 0|-|gone|server TIME-WAIT;.eadkija................;h83",
    "LISTEN here 0|CLOSED here:5+RHP|gone|;.ea.kija.feekiba........;h95 j131 n130 o91 p14",
    "LISTEN elsewhere 0|-|CLOSED elsewhere+RHE|;.eadkija.........a.ekhha;h48 r54 v109 w109 x22",
    "CLOSED elsewhere+H|-|CLOSED elsewhere+RHE|;.aaegija.........a.ekhha;b50 c106 h48 r108 v110 w110 x47",
    "CLOSED elsewhere+H|-|CLOSED here+RHE|;.faegija.........e.ekhha;c54 h52 v124 w124 x47",
    "LISTEN elsewhere 0|-|CLOSED elsewhere+RH|;.eadkija.........a.ekica;h87 r45 x22",
    "CLOSED elsewhere+H|-|CLOSED elsewhere+RH|;.aaegija.........a.ekica;b89 c109 h87 r124 x47",
    "LISTEN here 0|-|CLOSED elsewhere:5+RH|;.eadkija.........f.ekiba;h112 w90 x14",
    "-|-|CLOSED elsewhere:5+RH|;a................a.ekiba;a113 r40 w87 x11",
    "CLOSED+H|-|CLOSED elsewhere:5+RH|;.aaegija.........a.ekiba;b114 c142 e147 h112 r41 w88 x12",
    "CLOSED here+H|-|CLOSED elsewhere:5+RH|;.eae.ija.........f.ekiba;c111 h112 w89 x13",
    "LISTEN here 0|CLOSED here:5+RHE|gone|;.ea.kija.feekhba........;h116 j128 n130 o102 p14",
    "-|CLOSED here:5+RHE|gone|;.........aeekhba........;n96 o103 p11",
    "LISTEN here 0|CLOSED elsewhere+RHE|gone|;.ea.kija.feekhha........;h118 n120 o120 p14",
    "-|CLOSED elsewhere+RHE|gone|;.........aeekhha........;j103 n121 o121 p11",
    "LISTEN here 0|CLOSED here+RH|gone|;.ea.kija.feekica........;h70 j120 p14",
    "LISTEN here 0|CLOSED elsewhere+RH|gone|;.ea.kija.feekica........;h121 p14",
    "-|CLOSED elsewhere+RH|gone|;.........aeekica........;j70 p11",
    "LISTEN here 0|CLOSED elsewhere+RHP|gone|;.ea.kija.feekica........;h123 n120 p14",
    "-|CLOSED elsewhere+RHP|gone|;.........aeekica........;j69 n121 p11",
    "CLOSED elsewhere+H|-|CLOSED here+RH|;.faegija.........e.ekica;c45 h43 x47",
    "CLOSED elsewhere+H|-|CLOSE-WAIT+R|server FIN-WAIT-2;.faegija.........e.ekbca;c74 h72 v137 x127",
    "LISTEN elsewhere 0|-|CLOSED elsewhere+RHP|;.eadkija.........a.ekica;h75 r81 v109 x22",
    "CLOSED elsewhere+H|-|gone|server TIME-WAIT;.faegija................;c85 h83",
    "LISTEN here 0|CLOSED elsewhere:5+RHE|gone|;.ea.kija.feekhba........;h129 n133 o117 p14",
    "-|CLOSED elsewhere:5+RHE|gone|;.........aeekhba........;j116 n134 o118 p11",
    "LISTEN here 0|CLOSED here:5+RH|gone|;.ea.kija.feekiba........;h96 j133 o119 p14",
    "LISTEN here 0|CLOSED elsewhere:5+RHP|gone|;.ea.kija.feekiba........;h132 n133 o122 p14",
    "-|CLOSED elsewhere:5+RHP|gone|;.........aeekiba........;j95 n134 o123 p11",
    "LISTEN here 0|CLOSED elsewhere:5+RH|gone|;.ea.kija.feekiba........;h134 o120 p14",
    "-|CLOSED elsewhere:5+RH|gone|;.........aeekiba........;j96 o121 p11",
    "CLOSED elsewhere+H|-|CLOSE-WAIT:5+R|server FIN-WAIT-2;.faegija.........e.ekbba;c32 h30 v141 w125 x47",
    "LISTEN elsewhere 0|-|CLOSED elsewhere:5+RHP|;.eadkija.........a.ekiba;h33 r39 v142 w126 x22",
    "CLOSED elsewhere+H|-|CLOSED elsewhere+RHP|;.aaegija.........a.ekica;b77 c126 h75 r138 v110 x47",
    "CLOSED elsewhere+H|-|CLOSED here+RHP|;.faegija.........e.ekica;c81 h79 v124 x47",
    "LISTEN elsewhere 0|-|gone|client TIME-WAIT;.eadkija................;h97",
    "CLOSED elsewhere+H|-|gone|client TIME-WAIT;.aaegija................;b99 c139 h97",
    "CLOSED elsewhere+H|-|CLOSED elsewhere:5+RHP|;.aaegija.........a.ekiba;b35 c136 h33 r143 v147 w137 x47",
    "LISTEN elsewhere 0|-|CLOSED elsewhere:5+RH|;.eadkija.........a.ekiba;h112 r42 w109 x22",
    "CLOSED elsewhere+H|-|CLOSED here:5+RHP|;.faegija.........e.ekiba;c39 h37 v148 w138 x47",
    "LISTEN elsewhere 0|-|CLOSED elsewhere:5+RHE|;.eadkija.........a.ekhba;h59 r65 v142 w106 x22",
    "CLOSED elsewhere+H|-|CLOSED elsewhere:5+RHE|;.aaegija.........a.ekhba;b61 c144 h59 r146 v147 w107 x47",
    "CLOSED elsewhere+H|-|CLOSED here:5+RHE|;.faegija.........e.ekhba;c65 h63 v148 w108 x47",
    "CLOSED elsewhere+H|-|CLOSED elsewhere:5+RH|;.aaegija.........a.ekiba;b114 c142 h112 r148 w110 x47",
    "CLOSED elsewhere+H|-|CLOSED here:5+RH|;.faegija.........e.ekiba;c42 h40 w124 x47",
    // END tcp
    ],
    unix: [
    // TABLE unix
    "-|-|-|;a...............a.......;a1 q10",
    "unconnected+H|-|-|;.aeeljea........a.......;b2 h0 q11",
    "unconnected here+H|-|-|file;.faegjea........a.......;c3 h4 q12",
    "listening here 0|-|-|file;.fadejea........a.......;h4 q13",
    "-|-|-|file;a...............a.......;a5 q6",
    "unconnected+H|-|-|file;.feegjea........a.......;h4 q7",
    "-|-|unconnected+H|file;a................f.egjea;a7 x8",
    "unconnected+H|-|unconnected+H|file;.feegjea.........f.egjea;h6 x9",
    "-|-|gone|file;a.......................;a9",
    "unconnected+H|-|gone|file;.feegjea................;h8",
    "-|-|unconnected+H|;a................a.eljea;a11 r14 x16",
    "unconnected+H|-|unconnected+H|;.aeeljea.........a.eljea;b12 h10 r15 x17",
    "unconnected here+H|-|unconnected+H|file;.faegjea.........f.egjea;c13 h6 x18",
    "listening here 0|-|unconnected+H|file;.fadejea.........f.eajea;h6 u20 x19",
    "-|-|unconnected here+H|file;a................f.egjea;a15 x8",
    "unconnected+H|-|unconnected here+H|file;.feegjea.........f.egjea;h14 x9",
    "-|-|gone|;a.......................;a17",
    "unconnected+H|-|gone|;.aeeljea................;b18 h16",
    "unconnected here+H|-|gone|file;.faegjea................;c19 h8",
    "listening here 0|-|gone|file;.fadejea................;h8",
    "listening here 1|-|connected|file;.faadjea.........f.edbda;d21 h28 v30 x36",
    "listening here 0|connected here|connected|file;.fa.ejea.feekbda.f..kbda;h22 n39 p40 v31 x37",
    "-|connected here|connected|file;.........feegbda.f..gbda;n23 p26 v32 x38",
    "-|connected here|connected:5|file;.........feeg.da.f..gbba;p24 v33 w22 x47",
    "-|-|connected:5+RH|file;a................f.egiba;a25 w26 x8",
    "unconnected+H|-|connected:5+RH|file;.feegjea.........f.egiba;h24 w27 x9",
    "-|-|connected+RH|file;a................f.egica;a27 x8",
    "unconnected+H|-|connected+RH|file;.feegjea.........f.egica;h26 x9",
    "-|-|connected+RHE|file;a................f.egiha;a29 w26 x8",
    "unconnected+H|-|connected+RHE|file;.feegjea.........f.egiha;h28 w27 x9",
    "listening here 1:5|-|connected|file;.faadjea.........f.ed.da;d31 h28 x42",
    "listening here 0|connected here:5|connected|file;.fa.ejea.feekbba.f..k.da;h32 n41 o21 p48 x43",
    "-|connected here:5|connected|file;.........feegbba.f..g.da;n33 o22 p28 x44",
    "-|connected here:5|connected:5|file;.........feeg.ba.f..g.ba;o23 p34 w32 x51",
    "-|-|connected:5+RHE|file;a................f.egiba;a35 w28 x8",
    "unconnected+H|-|connected:5+RHE|file;.feegjea.........f.egiba;h34 w29 x9",
    "listening here 1|-|gone|file;.faadjea................;d37 h8",
    "listening here 0|connected here+RH|gone|file;.fa.ejea.feekica........;h38 p19",
    "-|connected here+RH|gone|file;.........feegica........;p8",
    "listening here 0|connected here|connected:5|file;.fa.ejea.feek.da.f..kbba;h23 p45 v41 w21 x46",
    "listening here 0|-|connected+RH|file;.fadejea.........f.ekica;h26 x19",
    "listening here 0|connected here:5|connected:5|file;.fa.ejea.feek.ba.f..k.ba;h33 o39 p49 w31 x50",
    "listening here 1:5|-|gone|file;.faadjea................;d43 h8",
    "listening here 0|connected here:5+RH|gone|file;.fa.ejea.feekiba........;h44 o37 p19",
    "-|connected here:5+RH|gone|file;.........feegiba........;o38 p8",
    "listening here 0|-|connected:5+RH|file;.fadejea.........f.ekiba;h24 w40 x19",
    "listening here 0|connected here+RHE|gone|file;.fa.ejea.feekiha........;h47 o37 p19",
    "-|connected here+RHE|gone|file;.........feegiha........;o38 p8",
    "listening here 0|-|connected+RHE|file;.fadejea.........f.ekiha;h28 w40 x19",
    "listening here 0|-|connected:5+RHE|file;.fadejea.........f.ekiba;h34 w48 x19",
    "listening here 0|connected here:5+RHE|gone|file;.fa.ejea.feekiba........;h51 o46 p19",
    "-|connected here:5+RHE|gone|file;.........feegiba........;o47 p8",
    // END unix
    ],
  };

  // ---- what a result means; "call result", and of one family alone "call result tcp" ----

  const MEANING = {
    "socket ok": "A new socket, connected to nothing.",
    "bind ok tcp": "The socket has its address now. ss does not list it yet, or, in newer versions, only with -B.",
    "bind ok unix": "The socket has its address now, and the file server.sock exists.",
    "bind EINVAL": "This socket has an address already.",
    "bind EADDRINUSE tcp": "Another socket has this address, or the kernel still keeps a connection at it.",
    "bind EADDRINUSE unix": "The path exists. Who made it, and whether anybody listens, is not asked.",
    "listen ok": "From now on the kernel completes connections, and queues them here.",
    "listen ok again": "It listened already; listen only sets the backlog again.",
    "listen ok elsewhere": "Without bind it gets a port that the kernel chooses, on every address of this machine.",
    "listen EINVAL tcp": "A connected socket cannot listen.",
    "listen EINVAL unix": "Only a socket that has an address, and is not connected, can listen.",
    "accept ok": "The first connection leaves the queue as a second socket, conn. The first goes on listening.",
    "accept waits": "The queue is empty, and accept sleeps until somebody connects.",
    "accept EINVAL": "This socket does not listen.",
    "connect ok": "The connection stands. It waits in the queue; nobody needs to have accepted it.",
    "connect ECONNREFUSED": "Nobody listens there.",
    "connect ENOENT": "There is no such file.",
    "connect EISCONN tcp": "It is connected already, or it listens.",
    "connect EISCONN unix": "It is connected already.",
    "connect EINVAL": "A socket that listens cannot connect to anybody.",
    "connect waits": "The queue is full (listen(0) lets one wait), and connect sleeps until there is room.",
    "send 5": "5 bytes are in the other side's receive buffer.",
    "send 5 reset": "The first send still succeeds. But nobody will read it: the other side's kernel answers with a reset.",
    "send EPIPE tcp": "There is no connection to send on: there was none, or it has ended.",
    "send EPIPE unix": "The other end is closed.",
    "send ENOTCONN": "There is no connection to send on.",
    "send ECONNRESET": "The other side has reset the connection.",
    "recv 5": "5 bytes, all that waited here.",
    "recv 0": "The end of the stream: no more will come.",
    "recv waits": "No bytes wait here, and recv sleeps until some come or the other side closes.",
    "recv ENOTCONN": "There is no connection to receive from.",
    "recv EINVAL": "There is no connection to receive from. (On TCP it would be ENOTCONN.)",
    "recv ECONNRESET": "The other side reset the connection. This tells it once.",
    "close ok": "The descriptor is gone.",
    "close ok reset": "The descriptor is gone. Bytes were not read, here or in the queue: the other side gets a reset, no end.",
  };
  const ERRORS = /^E[A-Z]/;

  function meaning(family, place, call, result, before, after) {
    const [old, now] = [parse(before).sockets, parse(after).sockets];
    const failed = (sockets) => sockets.map((socket) => /[EP]/.test(socket.flags));
    const [wasReset, isReset] = [failed(old), failed(now)];
    const variants = {
      reset: isReset.some((flag, at) => flag && !wasReset[at]),
      again: old[place].state.toLowerCase().startsWith("listen"),
      elsewhere: now[place].where === "elsewhere",
    };
    const names = Object.keys(variants).filter((name) => variants[name]);
    const keys = [...names, family].map((name) => `${call} ${result} ${name}`);
    const text = keys.map((key) => MEANING[key]).find(Boolean) ?? MEANING[`${call} ${result}`];
    return result === "waits" ? `${text} Here it is taken back, so that you can move the other side; then call it again.` : text;
  }

  // ---- the table ----

  const number = (letter) => letter.charCodeAt(0) - 97;

  // What a call returns in a state, and the state after it; nothing if it is not offered.
  function look(family, at, place, call) {
    const [, letters, moves] = TABLE[family][at].split(";");
    const index = place * CALLS.length + CALLS.indexOf(call);
    if (letters[index] === ".") {
      return undefined;
    }
    const move = moves.split(" ").find((one) => one && number(one) === index);
    return { result: RESULTS[number(letters[index])], next: move ? Number(move.slice(1)) : at };
  }

  function parse(seen) {
    const [s, conn, c, rest] = seen.split("|");
    const sockets = [s, conn, c].map((text) => {
      const [main, flags = ""] = text.split("+");
      const [words, unread = "0"] = main.split(":");
      const [state, ...others] = words.split(" ");
      const queue = others.find((word) => /^\d/.test(word));
      return { state, where: others.find((word) => /^[a-z]/.test(word)), queue, unread: Number(unread), flags };
    });
    return { sockets, rest: rest ? rest.split(",") : [] };
  }

  // ---- the view ----

  const ADDRESS = { tcp: "127.0.0.1:8000", unix: "server.sock" };
  const ARGUMENTS = {
    tcp: { socket: "AF_INET, SOCK_STREAM", bind: '("127.0.0.1", 8000)', connect: '("127.0.0.1", 8000)' },
    unix: { socket: "AF_UNIX, SOCK_STREAM", bind: '"server.sock"', connect: '"server.sock"' },
    both: { listen: "0", send: 'b"hello"', recv: "1024" },
  };
  const bytes = (count) => (count === 1 ? "1 byte" : `${count} bytes`);

  function element(name, properties, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  function written(family, place, call) {
    const inside = ARGUMENTS[family][call] ?? ARGUMENTS.both[call] ?? "";
    return call === "socket" ? `${PLACES[place]} = socket(${inside})` : `${PLACES[place]}.${call}(${inside})`;
  }

  // The state, for TCP in ss's word for it, and the rest in ours.
  function describe(family, socket) {
    if (socket.state === "-" || socket.state === "gone") {
      return ["no socket", ""];
    }
    const notes = [];
    const chosen = family === "tcp" ? "a port that the kernel chose" : "a name";
    if (socket.where && socket.state !== "connected") {
      notes.push(`at ${socket.where === "here" ? ADDRESS[family] : chosen}`);
    }
    if (socket.queue) {
      notes.push(`queue: ${socket.queue} of 1`);
    }
    if (socket.unread > 0) {
      notes.push(socket.queue ? `in it ${bytes(socket.unread)}` : `${bytes(socket.unread)} to receive`);
    }
    if (socket.state === "connected" && socket.flags) {
      notes.push("the other end is closed");
    }
    if (/[EP]/.test(socket.flags)) {
      notes.push("an error waits to be told");
    }
    return [socket.state, notes.join(", ")];
  }

  // What the kernel keeps without a descriptor.
  function kept(text) {
    if (text === "file") {
      return "the file server.sock";
    }
    const [side, ...words] = text.split(" ");
    const [state, unread] = words.join(" ").split(":");
    const queued = side === "server" && ["ESTAB", "CLOSE-WAIT", "SYN-RECV"].includes(state);
    const whose = { server: "the server’s end", client: "the client’s end" }[side];
    const what = queued ? "the end in the queue" : whose;
    return `${what}, ${state}${unread ? `, ${bytes(Number(unread))} to receive` : ""}`;
  }

  function reason(world, place, call) {
    const { state } = world.sockets[place];
    if (call === "socket") {
      const again = state === "gone" ? "this client had its socket; start again" : "close conn first";
      return state === "gone" || state === "-" ? again : `${PLACES[place]} is a socket already`;
    }
    if (state === "-" || state === "gone") {
      return `there is no socket ${PLACES[place]}`;
    }
    if (call === "connect") {
      return "TCP would let it connect to itself, and that is another story";
    }
    if (call === "listen") {
      return "the sides would be exchanged";
    }
    const full = "5 bytes wait unread at the other end, and this table ends there: receive them first";
    return call === "accept" ? "conn is open, and this server holds one client at a time" : full;
  }

  function build(widget) {
    let family = "tcp";
    let history = []; // states, the last being now
    const status = element("p", { className: "result" });
    status.setAttribute("role", "status");
    const log = element("ol", { className: "log" });
    const rest = element("p", { className: "kept" });
    const places = PLACES.map((name, place) => socketView(name, (call) => press(place, call)));

    const now = () => TABLE[family][history[history.length - 1]].split(";")[0];

    function press(place, call) {
      const at = history[history.length - 1];
      const entry = look(family, at, place, call);
      const line = written(family, place, call);
      if (!entry) {
        say(line, "not now", reason(parse(now()), place, call) + ".");
        return;
      }
      const before = now();
      history.push(entry.next);
      say(line, entry.result, meaning(family, place, call, entry.result, before, now()));
      log.append(element("li", {}, element("code", { textContent: line }), " ", result(entry.result)));
      show();
    }

    const result = (text) => element("strong", { textContent: text, className: ERRORS.test(text) ? "error" : "" });
    const say = (line, returned, text) =>
      status.replaceChildren(element("code", { textContent: line }), " ", result(returned), `: ${text}`);

    function show() {
      const world = parse(now());
      places.forEach((view, place) => {
        view.show(family, world.sockets[place], (call) => look(family, history[history.length - 1], place, call));
      });
      const list = world.rest.map(kept).join("; ");
      rest.textContent = `Beside your descriptors, the kernel keeps: ${list || "nothing"}.`;
    }

    function restart() {
      family = choice.value;
      history = [0];
      log.replaceChildren();
      status.textContent = "Press a call.";
      show();
    }

    function takeBack() {
      if (history.length > 1) {
        history.pop();
        log.lastChild.remove();
        status.textContent = "Taken back.";
        show();
      }
    }

    const button = (words, action) => {
      const made = element("button", { type: "button", textContent: words });
      made.addEventListener("click", action);
      return made;
    };
    const choice = element("select", {},
      element("option", { value: "tcp", textContent: "TCP, at 127.0.0.1:8000" }),
      element("option", { value: "unix", textContent: "Unix, at server.sock" }));
    choice.addEventListener("change", restart);
    const side = (name, ...views) => element("div", { className: "side" },
      element("p", { className: "name", textContent: name }), ...views.map((view) => view.group));
    const server = side("The server’s side", places[0], places[1]);
    const client = side("The client’s side", places[2]);

    widget.replaceChildren(
      element("p", { className: "controls" },
        element("label", {}, "Sockets: ", choice),
        button("take back", takeBack),
        button("start again", restart)),
      element("div", { className: "sides" }, server, client),
      rest, status, log);
    restart();
  }

  function socketView(name, press) {
    const state = element("strong", { className: "state" });
    const notes = element("span", {});
    const buttons = CALLS.filter((call) => name !== "conn" || call !== "socket").map((call) => {
      const made = element("button", { type: "button", textContent: call });
      made.setAttribute("aria-label", `${name} ${call}`);
      made.addEventListener("click", () => press(call));
      return made;
    });
    const group = element("div", { className: "socket" },
      element("p", {}, element("code", { textContent: name }), " ", state, " ", notes),
      element("p", { className: "calls" }, ...buttons));
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", `The calls on ${name}`);

    function show(family, socket, entry) {
      const [word, more] = describe(family, socket);
      state.textContent = word;
      notes.textContent = more;
      group.classList.toggle("none", ["-", "gone"].includes(socket.state));
      // Not disabled: a button that is would lose the focus, and could not say why.
      buttons.forEach((made) => made.setAttribute("aria-disabled", String(!entry(made.textContent))));
    }
    return { group, show };
  }

  document.querySelectorAll('[data-widget="state-machine"]').forEach(build);
})();
