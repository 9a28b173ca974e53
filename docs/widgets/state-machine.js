// The state machine: eight calls on either side, in any order, and what the kernel says.
//
// The table is written and checked by crates/pocket-socket/tests/state_machine.rs, which makes the
// calls: a line is a state, then what each call leads to, the server's eight and the client's eight,
// as RESULT>LINE; nothing where there is no socket to call, or another message would add nothing.
(() => {
  const calls = ["socket", "bind", "listen", "accept", "connect", "send", "recv", "close"];
  const sides = ["server", "client"];
  const table = {
    // TABLE
    tcp: [
      "none|none ok>1,,,,,,,,ok>2,,,,,,,",
      "unbound:hup|none ,ok>3,ok>4,EINVAL>1,ECONNREFUSED>5,EPIPE>1,ENOTCONN>1,ok>6,ok>7,,,,,,,",
      "none|unbound:hup ok>7,,,,,,,,,ok>8,ok>9,EINVAL>2,ECONNREFUSED>10,EPIPE>2,ENOTCONN>2,ok>11",
      "bound:hup|none ,EINVAL>3,ok>12,EINVAL>3,ECONNREFUSED>3,EPIPE>3,ENOTCONN>3,ok>6,ok>13,,,,,,,",
      "listening-elsewhere:0|none ,EINVAL>4,ok>4,waits>4,EISCONN>4,EPIPE>4,ENOTCONN>4,ok>6,ok>14,,,,,,,",
      "elsewhere:hup|none ,ok>3,ok>4,EINVAL>5,ECONNREFUSED>5,EPIPE>5,ENOTCONN>5,ok>6,ok>15,,,,,,,",
      "closed|none ,,,,,,,,ok>16,,,,,,,",
      "unbound:hup|unbound:hup ,ok>13,ok>14,EINVAL>7,ECONNREFUSED>15,EPIPE>7,ENOTCONN>7,ok>16,,ok>17,ok>18,EINVAL>7,ECONNREFUSED>19,EPIPE>7,ENOTCONN>7,ok>20",
      "none|bound:hup ok>17,,,,,,,,,EINVAL>8,ok>21,EINVAL>8,ECONNREFUSED>8,EPIPE>8,ENOTCONN>8,ok>11",
      "none|listening-elsewhere:0 ok>18,,,,,,,,,EINVAL>9,ok>9,waits>9,EISCONN>9,EPIPE>9,ENOTCONN>9,ok>11",
      "none|elsewhere:hup ok>19,,,,,,,,,ok>8,ok>9,EINVAL>10,ECONNREFUSED>10,EPIPE>10,ENOTCONN>10,ok>11",
      "none|closed ok>20,,,,,,,,,,,,,,,",
      "listening:0|none ,EINVAL>12,ok>12,waits>12,EISCONN>12,EPIPE>12,ENOTCONN>12,ok>6,ok>22,,,,,,,",
      "bound:hup|unbound:hup ,EINVAL>13,ok>22,EINVAL>13,ECONNREFUSED>13,EPIPE>13,ENOTCONN>13,ok>16,,ok>23,ok>24,EINVAL>13,ECONNREFUSED>25,EPIPE>13,ENOTCONN>13,ok>26",
      "listening-elsewhere:0|unbound:hup ,EINVAL>14,ok>14,waits>14,EISCONN>14,EPIPE>14,ENOTCONN>14,ok>16,,ok>27,ok>28,EINVAL>14,ECONNREFUSED>29,EPIPE>14,ENOTCONN>14,ok>30",
      "elsewhere:hup|unbound:hup ,ok>13,ok>14,EINVAL>15,ECONNREFUSED>15,EPIPE>15,ENOTCONN>15,ok>16,,ok>31,ok>32,EINVAL>15,ECONNREFUSED>33,EPIPE>15,ENOTCONN>15,ok>34",
      "closed|unbound:hup ,,,,,,,,,ok>35,ok>36,EINVAL>16,ECONNREFUSED>37,EPIPE>16,ENOTCONN>16,ok>38",
      "unbound:hup|bound:hup ,ok>23,ok>27,EINVAL>17,ECONNREFUSED>31,EPIPE>17,ENOTCONN>17,ok>35,,EINVAL>17,ok>39,EINVAL>17,ECONNREFUSED>17,EPIPE>17,ENOTCONN>17,ok>20",
      "unbound:hup|listening-elsewhere:0 ,ok>24,ok>28,EINVAL>18,ECONNREFUSED>32,EPIPE>18,ENOTCONN>18,ok>36,,EINVAL>18,ok>18,waits>18,EISCONN>18,EPIPE>18,ENOTCONN>18,ok>20",
      "unbound:hup|elsewhere:hup ,ok>25,ok>29,EINVAL>19,ECONNREFUSED>33,EPIPE>19,ENOTCONN>19,ok>37,,ok>17,ok>18,EINVAL>19,ECONNREFUSED>19,EPIPE>19,ENOTCONN>19,ok>20",
      "unbound:hup|closed ,ok>26,ok>30,EINVAL>20,ECONNREFUSED>34,EPIPE>20,ENOTCONN>20,ok>38,,,,,,,,",
      "none|listening:0 ok>39,,,,,,,,,EINVAL>21,ok>21,waits>21,EISCONN>21,EPIPE>21,ENOTCONN>21,ok>11",
      "listening:0|unbound:hup ,EINVAL>22,ok>22,waits>22,EISCONN>22,EPIPE>22,ENOTCONN>22,ok>16,,ok>40,ok>41,EINVAL>22,ok>42,EPIPE>22,ENOTCONN>22,ok>43",
      "bound:hup|bound:hup ,EINVAL>23,ok>40,EINVAL>23,ECONNREFUSED>23,EPIPE>23,ENOTCONN>23,ok>35,,EINVAL>23,ok>44,EINVAL>23,ECONNREFUSED>23,EPIPE>23,ENOTCONN>23,ok>26",
      "bound:hup|listening-elsewhere:0 ,EINVAL>24,ok>41,EINVAL>24,ECONNREFUSED>24,EPIPE>24,ENOTCONN>24,ok>36,,EINVAL>24,ok>24,waits>24,EISCONN>24,EPIPE>24,ENOTCONN>24,ok>26",
      "bound:hup|elsewhere:hup ,EINVAL>25,ok>45,EINVAL>25,ECONNREFUSED>25,EPIPE>25,ENOTCONN>25,ok>37,,ok>23,ok>24,EINVAL>25,ECONNREFUSED>25,EPIPE>25,ENOTCONN>25,ok>26",
      "bound:hup|closed ,EINVAL>26,ok>43,EINVAL>26,ECONNREFUSED>26,EPIPE>26,ENOTCONN>26,ok>38,,,,,,,,",
      "listening-elsewhere:0|bound:hup ,EINVAL>27,ok>27,waits>27,EISCONN>27,EPIPE>27,ENOTCONN>27,ok>35,,EINVAL>27,ok>46,EINVAL>27,ECONNREFUSED>27,EPIPE>27,ENOTCONN>27,ok>30",
      "listening-elsewhere:0|listening-elsewhere:0 ,EINVAL>28,ok>28,waits>28,EISCONN>28,EPIPE>28,ENOTCONN>28,ok>36,,EINVAL>28,ok>28,waits>28,EISCONN>28,EPIPE>28,ENOTCONN>28,ok>30",
      "listening-elsewhere:0|elsewhere:hup ,EINVAL>29,ok>29,waits>29,EISCONN>29,EPIPE>29,ENOTCONN>29,ok>37,,ok>27,ok>28,EINVAL>29,ECONNREFUSED>29,EPIPE>29,ENOTCONN>29,ok>30",
      "listening-elsewhere:0|closed ,EINVAL>30,ok>30,waits>30,EISCONN>30,EPIPE>30,ENOTCONN>30,ok>38,,,,,,,,",
      "elsewhere:hup|bound:hup ,ok>23,ok>27,EINVAL>31,ECONNREFUSED>31,EPIPE>31,ENOTCONN>31,ok>35,,EINVAL>31,ok>47,EINVAL>31,ECONNREFUSED>31,EPIPE>31,ENOTCONN>31,ok>34",
      "elsewhere:hup|listening-elsewhere:0 ,ok>24,ok>28,EINVAL>32,ECONNREFUSED>32,EPIPE>32,ENOTCONN>32,ok>36,,EINVAL>32,ok>32,waits>32,EISCONN>32,EPIPE>32,ENOTCONN>32,ok>34",
      "elsewhere:hup|elsewhere:hup ,ok>25,ok>29,EINVAL>33,ECONNREFUSED>33,EPIPE>33,ENOTCONN>33,ok>37,,ok>31,ok>32,EINVAL>33,ECONNREFUSED>33,EPIPE>33,ENOTCONN>33,ok>34",
      "elsewhere:hup|closed ,ok>26,ok>30,EINVAL>34,ECONNREFUSED>34,EPIPE>34,ENOTCONN>34,ok>38,,,,,,,,",
      "closed|bound:hup ,,,,,,,,,EINVAL>35,ok>48,EINVAL>35,ECONNREFUSED>35,EPIPE>35,ENOTCONN>35,ok>38",
      "closed|listening-elsewhere:0 ,,,,,,,,,EINVAL>36,ok>36,waits>36,EISCONN>36,EPIPE>36,ENOTCONN>36,ok>38",
      "closed|elsewhere:hup ,,,,,,,,,ok>35,ok>36,EINVAL>37,ECONNREFUSED>37,EPIPE>37,ENOTCONN>37,ok>38",
      "closed|closed ,,,,,,,,,,,,,,,",
      "unbound:hup|listening:0 ,ok>44,ok>46,EINVAL>39,ok>49,EPIPE>39,ENOTCONN>39,ok>48,,EINVAL>39,ok>39,waits>39,EISCONN>39,EPIPE>39,ENOTCONN>39,ok>20",
      "listening:0|bound:hup ,EINVAL>40,ok>40,waits>40,EISCONN>40,EPIPE>40,ENOTCONN>40,ok>35,,EINVAL>40,ok>50,EINVAL>40,ok>51,EPIPE>40,ENOTCONN>40,ok>43",
      "listening:0|listening-elsewhere:0 ,EINVAL>41,ok>41,waits>41,EISCONN>41,EPIPE>41,ENOTCONN>41,ok>36,,EINVAL>41,ok>41,waits>41,EISCONN>41,EPIPE>41,ENOTCONN>41,ok>43",
      "listening:1|connected ,EINVAL>42,ok>42,ok>52,EISCONN>42,EPIPE>42,ENOTCONN>42,ok>53,,EINVAL>42,EINVAL>42,EINVAL>42,EISCONN>42,5>54,waits>42,ok>55",
      "listening:0|closed ,EINVAL>43,ok>43,waits>43,EISCONN>43,EPIPE>43,ENOTCONN>43,ok>38,,,,,,,,",
      "bound:hup|listening:0 ,EINVAL>44,ok>50,EINVAL>44,ok>56,EPIPE>44,ENOTCONN>44,ok>48,,EINVAL>44,ok>44,waits>44,EISCONN>44,EPIPE>44,ENOTCONN>44,ok>26",
      "listening:0|elsewhere:hup ,EINVAL>45,ok>45,waits>45,EISCONN>45,EPIPE>45,ENOTCONN>45,ok>37,,ok>40,ok>41,EINVAL>45,ok>42,EPIPE>45,ENOTCONN>45,ok>43",
      "listening-elsewhere:0|listening:0 ,EINVAL>46,ok>46,waits>46,EISCONN>46,EPIPE>46,ENOTCONN>46,ok>48,,EINVAL>46,ok>46,waits>46,EISCONN>46,EPIPE>46,ENOTCONN>46,ok>30",
      "elsewhere:hup|listening:0 ,ok>44,ok>46,EINVAL>47,ok>49,EPIPE>47,ENOTCONN>47,ok>48,,EINVAL>47,ok>47,waits>47,EISCONN>47,EPIPE>47,ENOTCONN>47,ok>34",
      "closed|listening:0 ,,,,,,,,,EINVAL>48,ok>48,waits>48,EISCONN>48,EPIPE>48,ENOTCONN>48,ok>38",
      "connected|listening:1 ,EINVAL>49,EINVAL>49,EINVAL>49,EISCONN>49,5>57,waits>49,ok>58,,EINVAL>49,ok>49,ok>59,EISCONN>49,EPIPE>49,ENOTCONN>49,ok>60",
      "listening:0|listening:0 ,EINVAL>50,ok>50,waits>50,EISCONN>50,EPIPE>50,ENOTCONN>50,ok>48,,EINVAL>50,ok>50,waits>50,EISCONN>50,EPIPE>50,ENOTCONN>50,ok>43",
      "listening:1|connected-bound ,EINVAL>51,ok>51,ok>61,EISCONN>51,EPIPE>51,ENOTCONN>51,ok>62,,EINVAL>51,EINVAL>51,EINVAL>51,EISCONN>51,5>63,waits>51,ok>55",
      "listening:0+connected|connected ,EINVAL>52,ok>52,,EISCONN>52,5>64,waits>52,ok>65,,EINVAL>52,EINVAL>52,EINVAL>52,EISCONN>52,5>66,waits>52,ok>67",
      "closed|elsewhere:end:hup:error ,,,,,,,,,ok>62,EINVAL>53,EINVAL>53,EISCONN>53,ECONNRESET>68,ECONNRESET>68,ok>38",
      "listening:1|connected|early ,EINVAL>54,ok>54,ok>66,EISCONN>54,,ENOTCONN>54,ok>53,,EINVAL>54,EINVAL>54,EINVAL>54,EISCONN>54,,waits>54,ok>69",
      "listening:1|closed ,EINVAL>55,ok>55,ok>67,EISCONN>55,EPIPE>55,ENOTCONN>55,ok>38,,,,,,,,",
      "connected-bound|listening:1 ,EINVAL>56,EINVAL>56,EINVAL>56,EISCONN>56,5>70,waits>56,ok>58,,EINVAL>56,ok>56,ok>71,EISCONN>56,EPIPE>56,ENOTCONN>56,ok>72",
      "connected|listening:1|early ,EINVAL>57,EINVAL>57,EINVAL>57,EISCONN>57,,waits>57,ok>73,,EINVAL>57,ok>57,ok>74,EISCONN>57,,ENOTCONN>57,ok>60",
      "closed|listening:1 ,,,,,,,,,EINVAL>58,ok>58,ok>75,EISCONN>58,EPIPE>58,ENOTCONN>58,ok>38",
      "connected|listening:0+connected ,EINVAL>59,EINVAL>59,EINVAL>59,EISCONN>59,5>74,waits>59,ok>75,,EINVAL>59,ok>59,,EISCONN>59,5>76,waits>59,ok>77",
      "elsewhere:end:hup:error|closed ,ok>72,EINVAL>60,EINVAL>60,EISCONN>60,ECONNRESET>78,ECONNRESET>78,ok>38,,,,,,,,",
      "listening:0+connected|connected-bound ,EINVAL>61,ok>61,,EISCONN>61,5>79,waits>61,ok>80,,EINVAL>61,EINVAL>61,EINVAL>61,EISCONN>61,5>81,waits>61,ok>67",
      "closed|bound:end:hup:error ,,,,,,,,,EINVAL>62,EINVAL>62,EINVAL>62,EISCONN>62,ECONNRESET>82,ECONNRESET>82,ok>38",
      "listening:1|connected-bound|early ,EINVAL>63,ok>63,ok>81,EISCONN>63,,ENOTCONN>63,ok>62,,EINVAL>63,EINVAL>63,EINVAL>63,EISCONN>63,,waits>63,ok>69",
      "listening:0+connected|connected:5 ,EINVAL>64,ok>64,,EISCONN>64,,waits>64,ok>83,,EINVAL>64,EINVAL>64,EINVAL>64,EISCONN>64,5>84,5>52,ok>85",
      "listening:0|connected:end ,EINVAL>65,ok>65,waits>65,EISCONN>65,EPIPE>65,ENOTCONN>65,ok>86,,EINVAL>65,EINVAL>65,EINVAL>65,EISCONN>65,5>87,0>65,ok>43",
      "listening:0+connected:5|connected ,EINVAL>66,ok>66,,EISCONN>66,5>84,5>52,ok>88,,EINVAL>66,EINVAL>66,EINVAL>66,EISCONN>66,,waits>66,ok>89",
      "listening:0+connected:end|closed ,EINVAL>67,ok>67,,EISCONN>67,5>85,0>67,ok>43,,,,,,,,",
      "closed|elsewhere:end:hup ,,,,,,,,,ok>82,EINVAL>68,EINVAL>68,EISCONN>68,EPIPE>68,0>68,ok>38",
      "listening:1|closed|early ,EINVAL>69,ok>69,ok>89,EISCONN>69,,ENOTCONN>69,ok>38,,,,,,,,",
      "connected-bound|listening:1|early ,EINVAL>70,EINVAL>70,EINVAL>70,EISCONN>70,,waits>70,ok>73,,EINVAL>70,ok>70,ok>90,EISCONN>70,,ENOTCONN>70,ok>72",
      "connected-bound|listening:0+connected ,EINVAL>71,EINVAL>71,EINVAL>71,EISCONN>71,5>90,waits>71,ok>75,,EINVAL>71,ok>71,,EISCONN>71,5>91,waits>71,ok>92",
      "bound:end:hup:error|closed ,EINVAL>72,EINVAL>72,EINVAL>72,EISCONN>72,ECONNRESET>93,ECONNRESET>93,ok>38,,,,,,,,",
      "closed|listening:1|early ,,,,,,,,,EINVAL>73,ok>73,ok>94,EISCONN>73,,ENOTCONN>73,ok>38",
      "connected|listening:0+connected:5 ,EINVAL>74,EINVAL>74,EINVAL>74,EISCONN>74,,waits>74,ok>94,,EINVAL>74,ok>74,,EISCONN>74,5>95,5>59,ok>96",
      "closed|listening:0+connected:end ,,,,,,,,,EINVAL>75,ok>75,,EISCONN>75,5>97,0>75,ok>48",
      "connected:5|listening:0+connected ,EINVAL>76,EINVAL>76,EINVAL>76,EISCONN>76,5>95,5>59,ok>97,,EINVAL>76,ok>76,,EISCONN>76,,waits>76,ok>98",
      "connected:end|listening:0 ,EINVAL>77,EINVAL>77,EINVAL>77,EISCONN>77,5>99,0>77,ok>48,,EINVAL>77,ok>77,waits>77,EISCONN>77,EPIPE>77,ENOTCONN>77,ok>100",
      "elsewhere:end:hup|closed ,ok>93,EINVAL>78,EINVAL>78,EISCONN>78,EPIPE>78,0>78,ok>38,,,,,,,,",
      "listening:0+connected|connected-bound:5 ,EINVAL>79,ok>79,,EISCONN>79,,waits>79,ok>101,,EINVAL>79,EINVAL>79,EINVAL>79,EISCONN>79,5>102,5>61,ok>85",
      "listening:0|connected-bound:end ,EINVAL>80,ok>80,waits>80,EISCONN>80,EPIPE>80,ENOTCONN>80,ok>103,,EINVAL>80,EINVAL>80,EINVAL>80,EISCONN>80,5>104,0>80,ok>43",
      "listening:0+connected:5|connected-bound ,EINVAL>81,ok>81,,EISCONN>81,5>102,5>61,ok>105,,EINVAL>81,EINVAL>81,EINVAL>81,EISCONN>81,,waits>81,ok>89",
      "closed|bound:end:hup ,,,,,,,,,EINVAL>82,EINVAL>82,EINVAL>82,EISCONN>82,EPIPE>82,0>82,ok>38",
      "listening:0|connected:5:end ,EINVAL>83,ok>83,waits>83,EISCONN>83,,ENOTCONN>83,ok>106,,EINVAL>83,EINVAL>83,EINVAL>83,EISCONN>83,5>107,5>65,ok>43",
      "listening:0+connected:5|connected:5 ,EINVAL>84,ok>84,,EISCONN>84,,5>64,ok>108,,EINVAL>84,EINVAL>84,EINVAL>84,EISCONN>84,,5>66,ok>109",
      "listening:0+bound:end:hup:error|closed ,EINVAL>85,ok>85,,EISCONN>85,ECONNRESET>110,ECONNRESET>110,ok>43,,,,,,,,",
      "closed|connected:end ,,,,,,,,,EINVAL>86,EINVAL>86,EINVAL>86,EISCONN>86,5>53,0>86,ok>38",
      "listening:0|elsewhere:end:hup:error|early ,EINVAL>87,ok>87,waits>87,EISCONN>87,,ENOTCONN>87,ok>53,,ok>104,EINVAL>87,EINVAL>87,EISCONN>87,,0>87,ok>111",
      "listening:0|elsewhere:end:hup:error ,EINVAL>88,ok>88,waits>88,EISCONN>88,EPIPE>88,ENOTCONN>88,ok>53,,ok>105,EINVAL>88,EINVAL>88,EISCONN>88,ECONNRESET>112,ECONNRESET>112,ok>43",
      "listening:0+connected:5:end|closed ,EINVAL>89,ok>89,,EISCONN>89,5>109,5>67,ok>43,,,,,,,,",
      "connected-bound|listening:0+connected:5 ,EINVAL>90,EINVAL>90,EINVAL>90,EISCONN>90,,waits>90,ok>94,,EINVAL>90,ok>90,,EISCONN>90,5>113,5>71,ok>114",
      "connected-bound:5|listening:0+connected ,EINVAL>91,EINVAL>91,EINVAL>91,EISCONN>91,5>113,5>71,ok>97,,EINVAL>91,ok>91,,EISCONN>91,,waits>91,ok>115",
      "connected-bound:end|listening:0 ,EINVAL>92,EINVAL>92,EINVAL>92,EISCONN>92,5>116,0>92,ok>48,,EINVAL>92,ok>92,waits>92,EISCONN>92,EPIPE>92,ENOTCONN>92,ok>117",
      "bound:end:hup|closed ,EINVAL>93,EINVAL>93,EINVAL>93,EISCONN>93,EPIPE>93,0>93,ok>38,,,,,,,,",
      "closed|listening:0+connected:5:end ,,,,,,,,,EINVAL>94,ok>94,,EISCONN>94,5>118,5>75,ok>48",
      "connected:5|listening:0+connected:5 ,EINVAL>95,EINVAL>95,EINVAL>95,EISCONN>95,,5>74,ok>118,,EINVAL>95,ok>95,,EISCONN>95,,5>76,ok>119",
      "elsewhere:end:hup:error|listening:0 ,ok>114,EINVAL>96,EINVAL>96,EISCONN>96,ECONNRESET>120,ECONNRESET>120,ok>48,,EINVAL>96,ok>96,waits>96,EISCONN>96,EPIPE>96,ENOTCONN>96,ok>60",
      "closed|listening:0+bound:end:hup:error ,,,,,,,,,EINVAL>97,ok>97,,EISCONN>97,EPIPE>121,0>97,ok>48",
      "connected:5:end|listening:0 ,EINVAL>98,EINVAL>98,EINVAL>98,EISCONN>98,5>122,5>77,ok>48,,EINVAL>98,ok>98,waits>98,EISCONN>98,,ENOTCONN>98,ok>123",
      "elsewhere:end:hup:error|listening:0|early ,ok>116,EINVAL>99,EINVAL>99,EISCONN>99,,0>99,ok>124,,EINVAL>99,ok>99,waits>99,EISCONN>99,,ENOTCONN>99,ok>60",
      "connected:end|closed ,EINVAL>100,EINVAL>100,EINVAL>100,EISCONN>100,5>60,0>100,ok>38,,,,,,,,",
      "listening:0|connected-bound:5:end ,EINVAL>101,ok>101,waits>101,EISCONN>101,,ENOTCONN>101,ok>125,,EINVAL>101,EINVAL>101,EINVAL>101,EISCONN>101,5>126,5>80,ok>43",
      "listening:0+connected:5|connected-bound:5 ,EINVAL>102,ok>102,,EISCONN>102,,5>79,ok>127,,EINVAL>102,EINVAL>102,EINVAL>102,EISCONN>102,,5>81,ok>109",
      "closed|connected-bound:end ,,,,,,,,,EINVAL>103,EINVAL>103,EINVAL>103,EISCONN>103,5>62,0>103,ok>38",
      "listening:0|bound:end:hup:error|early ,EINVAL>104,ok>104,waits>104,EISCONN>104,,ENOTCONN>104,ok>62,,EINVAL>104,EINVAL>104,EINVAL>104,EISCONN>104,,0>104,ok>111",
      "listening:0|bound:end:hup:error ,EINVAL>105,ok>105,waits>105,EISCONN>105,EPIPE>105,ENOTCONN>105,ok>62,,EINVAL>105,EINVAL>105,EINVAL>105,EISCONN>105,ECONNRESET>128,ECONNRESET>128,ok>43",
      "closed|connected:5:end ,,,,,,,,,EINVAL>106,EINVAL>106,EINVAL>106,EISCONN>106,5>129,5>86,ok>38",
      "listening:0|elsewhere:5:end:hup:error|early ,EINVAL>107,ok>107,waits>107,EISCONN>107,,ENOTCONN>107,ok>129,,ok>126,EINVAL>107,EINVAL>107,EISCONN>107,,5>87,ok>111",
      "listening:0|elsewhere:5:end:hup:error ,EINVAL>108,ok>108,waits>108,EISCONN>108,,ENOTCONN>108,ok>129,,ok>127,EINVAL>108,EINVAL>108,EISCONN>108,ECONNRESET>130,5>88,ok>43",
      "listening:0+bound:5:end:hup:error|closed ,EINVAL>109,ok>109,,EISCONN>109,ECONNRESET>131,5>85,ok>43,,,,,,,,",
      "listening:0+bound:end:hup|closed ,EINVAL>110,ok>110,,EISCONN>110,EPIPE>110,0>110,ok>43,,,,,,,,",
      "listening:0|closed|early ,EINVAL>111,ok>111,waits>111,EISCONN>111,,ENOTCONN>111,ok>38,,,,,,,,",
      "listening:0|elsewhere:end:hup ,EINVAL>112,ok>112,waits>112,EISCONN>112,EPIPE>112,ENOTCONN>112,ok>68,,ok>128,EINVAL>112,EINVAL>112,EISCONN>112,EPIPE>112,0>112,ok>43",
      "connected-bound:5|listening:0+connected:5 ,EINVAL>113,EINVAL>113,EINVAL>113,EISCONN>113,,5>90,ok>118,,EINVAL>113,ok>113,,EISCONN>113,,5>91,ok>132",
      "bound:end:hup:error|listening:0 ,EINVAL>114,EINVAL>114,EINVAL>114,EISCONN>114,ECONNRESET>133,ECONNRESET>133,ok>48,,EINVAL>114,ok>114,waits>114,EISCONN>114,EPIPE>114,ENOTCONN>114,ok>72",
      "connected-bound:5:end|listening:0 ,EINVAL>115,EINVAL>115,EINVAL>115,EISCONN>115,5>134,5>92,ok>48,,EINVAL>115,ok>115,waits>115,EISCONN>115,,ENOTCONN>115,ok>135",
      "bound:end:hup:error|listening:0|early ,EINVAL>116,EINVAL>116,EINVAL>116,EISCONN>116,,0>116,ok>124,,EINVAL>116,ok>116,waits>116,EISCONN>116,,ENOTCONN>116,ok>72",
      "connected-bound:end|closed ,EINVAL>117,EINVAL>117,EINVAL>117,EISCONN>117,5>72,0>117,ok>38,,,,,,,,",
      "closed|listening:0+bound:5:end:hup:error ,,,,,,,,,EINVAL>118,ok>118,,EISCONN>118,EPIPE>136,5>97,ok>48",
      "elsewhere:5:end:hup:error|listening:0 ,ok>132,EINVAL>119,EINVAL>119,EISCONN>119,ECONNRESET>137,5>96,ok>48,,EINVAL>119,ok>119,waits>119,EISCONN>119,,ENOTCONN>119,ok>138",
      "elsewhere:end:hup|listening:0 ,ok>133,EINVAL>120,EINVAL>120,EISCONN>120,EPIPE>120,0>120,ok>48,,EINVAL>120,ok>120,waits>120,EISCONN>120,EPIPE>120,ENOTCONN>120,ok>78",
      "closed|listening:0+bound:end:hup ,,,,,,,,,EINVAL>121,ok>121,,EISCONN>121,EPIPE>121,0>121,ok>48",
      "elsewhere:5:end:hup:error|listening:0|early ,ok>134,EINVAL>122,EINVAL>122,EISCONN>122,,5>99,ok>124,,EINVAL>122,ok>122,waits>122,EISCONN>122,,ENOTCONN>122,ok>138",
      "connected:5:end|closed ,EINVAL>123,EINVAL>123,EINVAL>123,EISCONN>123,5>138,5>100,ok>38,,,,,,,,",
      "closed|listening:0|early ,,,,,,,,,EINVAL>124,ok>124,waits>124,EISCONN>124,,ENOTCONN>124,ok>38",
      "closed|connected-bound:5:end ,,,,,,,,,EINVAL>125,EINVAL>125,EINVAL>125,EISCONN>125,5>139,5>103,ok>38",
      "listening:0|bound:5:end:hup:error|early ,EINVAL>126,ok>126,waits>126,EISCONN>126,,ENOTCONN>126,ok>139,,EINVAL>126,EINVAL>126,EINVAL>126,EISCONN>126,,5>104,ok>111",
      "listening:0|bound:5:end:hup:error ,EINVAL>127,ok>127,waits>127,EISCONN>127,,ENOTCONN>127,ok>139,,EINVAL>127,EINVAL>127,EINVAL>127,EISCONN>127,ECONNRESET>140,5>105,ok>43",
      "listening:0|bound:end:hup ,EINVAL>128,ok>128,waits>128,EISCONN>128,EPIPE>128,ENOTCONN>128,ok>82,,EINVAL>128,EINVAL>128,EINVAL>128,EISCONN>128,EPIPE>128,0>128,ok>43",
      "closed|elsewhere:5:end:hup:error ,,,,,,,,,ok>139,EINVAL>129,EINVAL>129,EISCONN>129,EPIPE>141,5>53,ok>38",
      "listening:0|elsewhere:5:end:hup ,EINVAL>130,ok>130,waits>130,EISCONN>130,,ENOTCONN>130,ok>141,,ok>140,EINVAL>130,EINVAL>130,EISCONN>130,EPIPE>130,5>112,ok>43",
      "listening:0+bound:5:end:hup|closed ,EINVAL>131,ok>131,,EISCONN>131,EPIPE>131,5>110,ok>43,,,,,,,,",
      "bound:5:end:hup:error|listening:0 ,EINVAL>132,EINVAL>132,EINVAL>132,EISCONN>132,ECONNRESET>142,5>114,ok>48,,EINVAL>132,ok>132,waits>132,EISCONN>132,,ENOTCONN>132,ok>143",
      "bound:end:hup|listening:0 ,EINVAL>133,EINVAL>133,EINVAL>133,EISCONN>133,EPIPE>133,0>133,ok>48,,EINVAL>133,ok>133,waits>133,EISCONN>133,EPIPE>133,ENOTCONN>133,ok>93",
      "bound:5:end:hup:error|listening:0|early ,EINVAL>134,EINVAL>134,EINVAL>134,EISCONN>134,,5>116,ok>124,,EINVAL>134,ok>134,waits>134,EISCONN>134,,ENOTCONN>134,ok>143",
      "connected-bound:5:end|closed ,EINVAL>135,EINVAL>135,EINVAL>135,EISCONN>135,5>143,5>117,ok>38,,,,,,,,",
      "closed|listening:0+bound:5:end:hup ,,,,,,,,,EINVAL>136,ok>136,,EISCONN>136,EPIPE>136,5>121,ok>48",
      "elsewhere:5:end:hup|listening:0 ,ok>142,EINVAL>137,EINVAL>137,EISCONN>137,EPIPE>137,5>120,ok>48,,EINVAL>137,ok>137,waits>137,EISCONN>137,,ENOTCONN>137,ok>144",
      "elsewhere:5:end:hup:error|closed ,ok>143,EINVAL>138,EINVAL>138,EISCONN>138,ECONNRESET>144,5>60,ok>38,,,,,,,,",
      "closed|bound:5:end:hup:error ,,,,,,,,,EINVAL>139,EINVAL>139,EINVAL>139,EISCONN>139,EPIPE>145,5>62,ok>38",
      "listening:0|bound:5:end:hup ,EINVAL>140,ok>140,waits>140,EISCONN>140,,ENOTCONN>140,ok>145,,EINVAL>140,EINVAL>140,EINVAL>140,EISCONN>140,EPIPE>140,5>128,ok>43",
      "closed|elsewhere:5:end:hup ,,,,,,,,,ok>145,EINVAL>141,EINVAL>141,EISCONN>141,EPIPE>141,5>68,ok>38",
      "bound:5:end:hup|listening:0 ,EINVAL>142,EINVAL>142,EINVAL>142,EISCONN>142,EPIPE>142,5>133,ok>48,,EINVAL>142,ok>142,waits>142,EISCONN>142,,ENOTCONN>142,ok>146",
      "bound:5:end:hup:error|closed ,EINVAL>143,EINVAL>143,EINVAL>143,EISCONN>143,ECONNRESET>146,5>72,ok>38,,,,,,,,",
      "elsewhere:5:end:hup|closed ,ok>146,EINVAL>144,EINVAL>144,EISCONN>144,EPIPE>144,5>78,ok>38,,,,,,,,",
      "closed|bound:5:end:hup ,,,,,,,,,EINVAL>145,EINVAL>145,EINVAL>145,EISCONN>145,EPIPE>145,5>82,ok>38",
      "bound:5:end:hup|closed ,EINVAL>146,EINVAL>146,EINVAL>146,EISCONN>146,EPIPE>146,5>93,ok>38,,,,,,,,",
    ],
    unix: [
      "none|none ok>1,,,,,,,,ok>2,,,,,,,",
      "unbound:hup|none ,ok>3,EINVAL>1,EINVAL>1,ENOENT>1,ENOTCONN>1,EINVAL>1,ok>4,ok>5,,,,,,,",
      "none|unbound:hup ok>5,,,,,,,,,ok>6,EINVAL>2,EINVAL>2,ENOENT>2,ENOTCONN>2,EINVAL>2,ok>7",
      "bound:hup|none ,EADDRINUSE>3,ok>8,EINVAL>3,ENOENT>3,ENOTCONN>3,EINVAL>3,ok>9,ok>10,,,,,,,",
      "closed|none ,,,,,,,,ok>11,,,,,,,",
      "unbound:hup|unbound:hup ,ok>10,EINVAL>5,EINVAL>5,ENOENT>5,ENOTCONN>5,EINVAL>5,ok>11,,ok>12,EINVAL>5,EINVAL>5,ENOENT>5,ENOTCONN>5,EINVAL>5,ok>13",
      "none|bound:hup ok>12,,,,,,,,,EADDRINUSE>6,ok>14,EINVAL>6,ENOENT>6,ENOTCONN>6,EINVAL>6,ok>15",
      "none|closed ok>13,,,,,,,,,,,,,,,",
      "listening:0|none ,EADDRINUSE>8,ok>8,waits>8,ENOENT>8,ENOTCONN>8,EINVAL>8,ok>9,ok>16,,,,,,,",
      "closed-file|none ,,,,,,,,ok>17,,,,,,,",
      "bound:hup|unbound:hup ,EADDRINUSE>10,ok>16,EINVAL>10,ENOENT>10,ENOTCONN>10,EINVAL>10,ok>17,,ok>18,EINVAL>10,EINVAL>10,ECONNREFUSED>10,ENOTCONN>10,EINVAL>10,ok>19",
      "closed|unbound:hup ,,,,,,,,,ok>20,EINVAL>11,EINVAL>11,ENOENT>11,ENOTCONN>11,EINVAL>11,ok>21",
      "unbound:hup|bound:hup ,ok>18,EINVAL>12,EINVAL>12,ECONNREFUSED>12,ENOTCONN>12,EINVAL>12,ok>20,,EADDRINUSE>12,ok>22,EINVAL>12,ENOENT>12,ENOTCONN>12,EINVAL>12,ok>23",
      "unbound:hup|closed ,ok>19,EINVAL>13,EINVAL>13,ENOENT>13,ENOTCONN>13,EINVAL>13,ok>21,,,,,,,,",
      "none|listening:0 ok>22,,,,,,,,,EADDRINUSE>14,ok>14,waits>14,ENOENT>14,ENOTCONN>14,EINVAL>14,ok>15",
      "none|closed-file ok>23,,,,,,,,,,,,,,,",
      "listening:0|unbound:hup ,EADDRINUSE>16,ok>16,waits>16,ENOENT>16,ENOTCONN>16,EINVAL>16,ok>17,,ok>24,EINVAL>16,EINVAL>16,ok>25,ENOTCONN>16,EINVAL>16,ok>26",
      "closed-file|unbound:hup ,,,,,,,,,ok>27,EINVAL>17,EINVAL>17,ECONNREFUSED>17,ENOTCONN>17,EINVAL>17,ok>28",
      "bound:hup|bound:hup ,EADDRINUSE>18,ok>24,EINVAL>18,ECONNREFUSED>18,ENOTCONN>18,EINVAL>18,ok>27,,EADDRINUSE>18,ok>29,EINVAL>18,ECONNREFUSED>18,ENOTCONN>18,EINVAL>18,ok>30",
      "bound:hup|closed ,EADDRINUSE>19,ok>26,EINVAL>19,ENOENT>19,ENOTCONN>19,EINVAL>19,ok>28,,,,,,,,",
      "closed|bound:hup ,,,,,,,,,EADDRINUSE>20,ok>31,EINVAL>20,ENOENT>20,ENOTCONN>20,EINVAL>20,ok>32",
      "closed|closed ,,,,,,,,,,,,,,,",
      "unbound:hup|listening:0 ,ok>29,EINVAL>22,EINVAL>22,ok>33,ENOTCONN>22,EINVAL>22,ok>31,,EADDRINUSE>22,ok>22,waits>22,ENOENT>22,ENOTCONN>22,EINVAL>22,ok>23",
      "unbound:hup|closed-file ,ok>30,EINVAL>23,EINVAL>23,ECONNREFUSED>23,ENOTCONN>23,EINVAL>23,ok>32,,,,,,,,",
      "listening:0|bound:hup ,EADDRINUSE>24,ok>24,waits>24,ECONNREFUSED>24,ENOTCONN>24,EINVAL>24,ok>27,,EADDRINUSE>24,ok>34,EINVAL>24,ok>35,ENOTCONN>24,EINVAL>24,ok>36",
      "listening:1|connected ,EADDRINUSE>25,ok>25,ok>37,ENOENT>25,ENOTCONN>25,EINVAL>25,ok>38,,ok>35,EINVAL>25,EINVAL>25,waits>25,5>39,waits>25,ok>40",
      "listening:0|closed ,EADDRINUSE>26,ok>26,waits>26,ENOENT>26,ENOTCONN>26,EINVAL>26,ok>28,,,,,,,,",
      "closed-file|bound:hup ,,,,,,,,,EADDRINUSE>27,ok>41,EINVAL>27,ECONNREFUSED>27,ENOTCONN>27,EINVAL>27,ok>42",
      "closed-file|closed ,,,,,,,,,,,,,,,",
      "bound:hup|listening:0 ,EADDRINUSE>29,ok>34,EINVAL>29,ok>43,ENOTCONN>29,EINVAL>29,ok>41,,EADDRINUSE>29,ok>29,waits>29,ECONNREFUSED>29,ENOTCONN>29,EINVAL>29,ok>30",
      "bound:hup|closed-file ,EADDRINUSE>30,ok>36,EINVAL>30,ECONNREFUSED>30,ENOTCONN>30,EINVAL>30,ok>42,,,,,,,,",
      "closed|listening:0 ,,,,,,,,,EADDRINUSE>31,ok>31,waits>31,ENOENT>31,ENOTCONN>31,EINVAL>31,ok>32",
      "closed|closed-file ,,,,,,,,,,,,,,,",
      "connected|listening:1 ,ok>43,EINVAL>33,EINVAL>33,waits>33,5>44,waits>33,ok>45,,EADDRINUSE>33,ok>33,ok>46,ENOENT>33,ENOTCONN>33,EINVAL>33,ok>47",
      "listening:0|listening:0 ,EADDRINUSE>34,ok>34,waits>34,EINVAL>34,ENOTCONN>34,EINVAL>34,ok>41,,EADDRINUSE>34,ok>34,waits>34,EINVAL>34,ENOTCONN>34,EINVAL>34,ok>36",
      "listening:1|connected-bound ,EADDRINUSE>35,ok>35,ok>48,ECONNREFUSED>35,ENOTCONN>35,EINVAL>35,ok>49,,EADDRINUSE>35,EINVAL>35,EINVAL>35,waits>35,5>50,waits>35,ok>51",
      "listening:0|closed-file ,EADDRINUSE>36,ok>36,waits>36,ECONNREFUSED>36,ENOTCONN>36,EINVAL>36,ok>42,,,,,,,,",
      "listening:0+connected|connected ,EADDRINUSE>37,ok>37,,ENOENT>37,5>52,waits>37,ok>53,,ok>48,EINVAL>37,EINVAL>37,EISCONN>37,5>54,waits>37,ok>55",
      "closed-file|connected:end:hup:error ,,,,,,,,,ok>49,EINVAL>38,EINVAL>38,ECONNREFUSED>38,EPIPE>38,ECONNRESET>56,ok>28",
      "listening:1|connected|early ,EADDRINUSE>39,ok>39,ok>54,ENOENT>39,,EINVAL>39,ok>38,,ok>50,EINVAL>39,EINVAL>39,waits>39,,waits>39,ok>57",
      "listening:1|closed ,EADDRINUSE>40,ok>40,ok>55,ENOENT>40,ENOTCONN>40,EINVAL>40,ok>28,,,,,,,,",
      "closed-file|listening:0 ,,,,,,,,,EADDRINUSE>41,ok>41,waits>41,ECONNREFUSED>41,ENOTCONN>41,EINVAL>41,ok>42",
      "closed-file|closed-file ,,,,,,,,,,,,,,,",
      "connected-bound|listening:1 ,EADDRINUSE>43,EINVAL>43,EINVAL>43,waits>43,5>58,waits>43,ok>59,,EADDRINUSE>43,ok>43,ok>60,ECONNREFUSED>43,ENOTCONN>43,EINVAL>43,ok>61",
      "connected|listening:1|early ,ok>58,EINVAL>44,EINVAL>44,waits>44,,waits>44,ok>62,,EADDRINUSE>44,ok>44,ok>63,ENOENT>44,,EINVAL>44,ok>47",
      "closed|listening:1 ,,,,,,,,,EADDRINUSE>45,ok>45,ok>64,ENOENT>45,ENOTCONN>45,EINVAL>45,ok>32",
      "connected|listening:0+connected ,ok>60,EINVAL>46,EINVAL>46,EISCONN>46,5>63,waits>46,ok>64,,EADDRINUSE>46,ok>46,,ENOENT>46,5>65,waits>46,ok>66",
      "connected:end:hup:error|closed-file ,ok>61,EINVAL>47,EINVAL>47,ECONNREFUSED>47,EPIPE>47,ECONNRESET>67,ok>32,,,,,,,,",
      "listening:0+connected|connected-bound ,EADDRINUSE>48,ok>48,,ECONNREFUSED>48,5>68,waits>48,ok>69,,EADDRINUSE>48,EINVAL>48,EINVAL>48,EISCONN>48,5>70,waits>48,ok>71",
      "closed-file|connected-bound:end:hup:error ,,,,,,,,,EADDRINUSE>49,EINVAL>49,EINVAL>49,ECONNREFUSED>49,EPIPE>49,ECONNRESET>72,ok>42",
      "listening:1|connected-bound|early ,EADDRINUSE>50,ok>50,ok>70,ECONNREFUSED>50,,EINVAL>50,ok>49,,EADDRINUSE>50,EINVAL>50,EINVAL>50,waits>50,,waits>50,ok>73",
      "listening:1|closed-file ,EADDRINUSE>51,ok>51,ok>71,ECONNREFUSED>51,ENOTCONN>51,EINVAL>51,ok>42,,,,,,,,",
      "listening:0+connected|connected:5 ,EADDRINUSE>52,ok>52,,ENOENT>52,,waits>52,ok>74,,ok>68,EINVAL>52,EINVAL>52,EISCONN>52,5>75,5>37,ok>76",
      "listening:0|connected:end:hup ,EADDRINUSE>53,ok>53,waits>53,ENOENT>53,ENOTCONN>53,EINVAL>53,ok>56,,ok>69,EINVAL>53,EINVAL>53,EISCONN>53,EPIPE>53,0>53,ok>26",
      "listening:0+connected:5|connected ,EADDRINUSE>54,ok>54,,ENOENT>54,5>75,5>37,ok>77,,ok>70,EINVAL>54,EINVAL>54,EISCONN>54,,waits>54,ok>78",
      "listening:0+connected:end:hup|closed ,EADDRINUSE>55,ok>55,,ENOENT>55,EPIPE>55,0>55,ok>26,,,,,,,,",
      "closed-file|connected:end:hup ,,,,,,,,,ok>72,EINVAL>56,EINVAL>56,ECONNREFUSED>56,EPIPE>56,0>56,ok>28",
      "listening:1|closed|early ,EADDRINUSE>57,ok>57,ok>78,ENOENT>57,,EINVAL>57,ok>28,,,,,,,,",
      "connected-bound|listening:1|early ,EADDRINUSE>58,EINVAL>58,EINVAL>58,waits>58,,waits>58,ok>79,,EADDRINUSE>58,ok>58,ok>80,ECONNREFUSED>58,,EINVAL>58,ok>61",
      "closed-file|listening:1 ,,,,,,,,,EADDRINUSE>59,ok>59,ok>81,ECONNREFUSED>59,ENOTCONN>59,EINVAL>59,ok>42",
      "connected-bound|listening:0+connected ,EADDRINUSE>60,EINVAL>60,EINVAL>60,EISCONN>60,5>80,waits>60,ok>81,,EADDRINUSE>60,ok>60,,ECONNREFUSED>60,5>82,waits>60,ok>83",
      "connected-bound:end:hup:error|closed-file ,EADDRINUSE>61,EINVAL>61,EINVAL>61,ECONNREFUSED>61,EPIPE>61,ECONNRESET>84,ok>42,,,,,,,,",
      "closed|listening:1|early ,,,,,,,,,EADDRINUSE>62,ok>62,ok>85,ENOENT>62,,EINVAL>62,ok>32",
      "connected|listening:0+connected:5 ,ok>80,EINVAL>63,EINVAL>63,EISCONN>63,,waits>63,ok>85,,EADDRINUSE>63,ok>63,,ENOENT>63,5>86,5>46,ok>87",
      "closed|listening:0+connected:end:hup ,,,,,,,,,EADDRINUSE>64,ok>64,,ENOENT>64,EPIPE>64,0>64,ok>31",
      "connected:5|listening:0+connected ,ok>82,EINVAL>65,EINVAL>65,EISCONN>65,5>86,5>46,ok>88,,EADDRINUSE>65,ok>65,,ENOENT>65,,waits>65,ok>89",
      "connected:end:hup|listening:0 ,ok>83,EINVAL>66,EINVAL>66,EISCONN>66,EPIPE>66,0>66,ok>31,,EADDRINUSE>66,ok>66,waits>66,ENOENT>66,ENOTCONN>66,EINVAL>66,ok>67",
      "connected:end:hup|closed-file ,ok>84,EINVAL>67,EINVAL>67,ECONNREFUSED>67,EPIPE>67,0>67,ok>32,,,,,,,,",
      "listening:0+connected|connected-bound:5 ,EADDRINUSE>68,ok>68,,ECONNREFUSED>68,,waits>68,ok>90,,EADDRINUSE>68,EINVAL>68,EINVAL>68,EISCONN>68,5>91,5>48,ok>92",
      "listening:0|connected-bound:end:hup ,EADDRINUSE>69,ok>69,waits>69,ECONNREFUSED>69,ENOTCONN>69,EINVAL>69,ok>72,,EADDRINUSE>69,EINVAL>69,EINVAL>69,EISCONN>69,EPIPE>69,0>69,ok>36",
      "listening:0+connected:5|connected-bound ,EADDRINUSE>70,ok>70,,ECONNREFUSED>70,5>91,5>48,ok>93,,EADDRINUSE>70,EINVAL>70,EINVAL>70,EISCONN>70,,waits>70,ok>94",
      "listening:0+connected:end:hup|closed-file ,EADDRINUSE>71,ok>71,,ECONNREFUSED>71,EPIPE>71,0>71,ok>36,,,,,,,,",
      "closed-file|connected-bound:end:hup ,,,,,,,,,EADDRINUSE>72,EINVAL>72,EINVAL>72,ECONNREFUSED>72,EPIPE>72,0>72,ok>42",
      "listening:1|closed-file|early ,EADDRINUSE>73,ok>73,ok>94,ECONNREFUSED>73,,EINVAL>73,ok>42,,,,,,,,",
      "listening:0|connected:5:end:hup ,EADDRINUSE>74,ok>74,waits>74,ENOENT>74,,EINVAL>74,ok>95,,ok>90,EINVAL>74,EINVAL>74,EISCONN>74,EPIPE>74,5>53,ok>26",
      "listening:0+connected:5|connected:5 ,EADDRINUSE>75,ok>75,,ENOENT>75,,5>52,ok>96,,ok>91,EINVAL>75,EINVAL>75,EISCONN>75,,5>54,ok>97",
      "listening:0+connected:end:hup:error|closed ,EADDRINUSE>76,ok>76,,ENOENT>76,EPIPE>76,ECONNRESET>55,ok>26,,,,,,,,",
      "listening:0|connected:end:hup:error ,EADDRINUSE>77,ok>77,waits>77,ENOENT>77,ENOTCONN>77,EINVAL>77,ok>38,,ok>93,EINVAL>77,EINVAL>77,EISCONN>77,EPIPE>77,ECONNRESET>53,ok>26",
      "listening:0+connected:5:end:hup|closed ,EADDRINUSE>78,ok>78,,ENOENT>78,EPIPE>78,5>55,ok>26,,,,,,,,",
      "closed-file|listening:1|early ,,,,,,,,,EADDRINUSE>79,ok>79,ok>98,ECONNREFUSED>79,,EINVAL>79,ok>42",
      "connected-bound|listening:0+connected:5 ,EADDRINUSE>80,EINVAL>80,EINVAL>80,EISCONN>80,,waits>80,ok>98,,EADDRINUSE>80,ok>80,,ECONNREFUSED>80,5>99,5>60,ok>100",
      "closed-file|listening:0+connected:end:hup ,,,,,,,,,EADDRINUSE>81,ok>81,,ECONNREFUSED>81,EPIPE>81,0>81,ok>41",
      "connected-bound:5|listening:0+connected ,EADDRINUSE>82,EINVAL>82,EINVAL>82,EISCONN>82,5>99,5>60,ok>101,,EADDRINUSE>82,ok>82,,ECONNREFUSED>82,,waits>82,ok>102",
      "connected-bound:end:hup|listening:0 ,EADDRINUSE>83,EINVAL>83,EINVAL>83,EISCONN>83,EPIPE>83,0>83,ok>41,,EADDRINUSE>83,ok>83,waits>83,ECONNREFUSED>83,ENOTCONN>83,EINVAL>83,ok>84",
      "connected-bound:end:hup|closed-file ,EADDRINUSE>84,EINVAL>84,EINVAL>84,ECONNREFUSED>84,EPIPE>84,0>84,ok>42,,,,,,,,",
      "closed|listening:0+connected:5:end:hup ,,,,,,,,,EADDRINUSE>85,ok>85,,ENOENT>85,EPIPE>85,5>64,ok>31",
      "connected:5|listening:0+connected:5 ,ok>99,EINVAL>86,EINVAL>86,EISCONN>86,,5>63,ok>103,,EADDRINUSE>86,ok>86,,ENOENT>86,,5>65,ok>104",
      "connected:end:hup:error|listening:0 ,ok>100,EINVAL>87,EINVAL>87,EISCONN>87,EPIPE>87,ECONNRESET>66,ok>31,,EADDRINUSE>87,ok>87,waits>87,ENOENT>87,ENOTCONN>87,EINVAL>87,ok>47",
      "closed|listening:0+connected:end:hup:error ,,,,,,,,,EADDRINUSE>88,ok>88,,ENOENT>88,EPIPE>88,ECONNRESET>64,ok>31",
      "connected:5:end:hup|listening:0 ,ok>102,EINVAL>89,EINVAL>89,EISCONN>89,EPIPE>89,5>66,ok>31,,EADDRINUSE>89,ok>89,waits>89,ENOENT>89,,EINVAL>89,ok>105",
      "listening:0|connected-bound:5:end:hup ,EADDRINUSE>90,ok>90,waits>90,ECONNREFUSED>90,,EINVAL>90,ok>106,,EADDRINUSE>90,EINVAL>90,EINVAL>90,EISCONN>90,EPIPE>90,5>69,ok>36",
      "listening:0+connected:5|connected-bound:5 ,EADDRINUSE>91,ok>91,,ECONNREFUSED>91,,5>68,ok>107,,EADDRINUSE>91,EINVAL>91,EINVAL>91,EISCONN>91,,5>70,ok>108",
      "listening:0+connected:end:hup:error|closed-file ,EADDRINUSE>92,ok>92,,ECONNREFUSED>92,EPIPE>92,ECONNRESET>71,ok>36,,,,,,,,",
      "listening:0|connected-bound:end:hup:error ,EADDRINUSE>93,ok>93,waits>93,ECONNREFUSED>93,ENOTCONN>93,EINVAL>93,ok>49,,EADDRINUSE>93,EINVAL>93,EINVAL>93,EISCONN>93,EPIPE>93,ECONNRESET>69,ok>36",
      "listening:0+connected:5:end:hup|closed-file ,EADDRINUSE>94,ok>94,,ECONNREFUSED>94,EPIPE>94,5>71,ok>36,,,,,,,,",
      "closed-file|connected:5:end:hup ,,,,,,,,,ok>106,EINVAL>95,EINVAL>95,ECONNREFUSED>95,EPIPE>95,5>56,ok>28",
      "listening:0|connected:5:end:hup:error ,EADDRINUSE>96,ok>96,waits>96,ENOENT>96,,EINVAL>96,ok>109,,ok>107,EINVAL>96,EINVAL>96,EISCONN>96,EPIPE>96,5>77,ok>26",
      "listening:0+connected:5:end:hup:error|closed ,EADDRINUSE>97,ok>97,,ENOENT>97,EPIPE>97,5>76,ok>26,,,,,,,,",
      "closed-file|listening:0+connected:5:end:hup ,,,,,,,,,EADDRINUSE>98,ok>98,,ECONNREFUSED>98,EPIPE>98,5>81,ok>41",
      "connected-bound:5|listening:0+connected:5 ,EADDRINUSE>99,EINVAL>99,EINVAL>99,EISCONN>99,,5>80,ok>110,,EADDRINUSE>99,ok>99,,ECONNREFUSED>99,,5>82,ok>111",
      "connected-bound:end:hup:error|listening:0 ,EADDRINUSE>100,EINVAL>100,EINVAL>100,EISCONN>100,EPIPE>100,ECONNRESET>83,ok>41,,EADDRINUSE>100,ok>100,waits>100,ECONNREFUSED>100,ENOTCONN>100,EINVAL>100,ok>61",
      "closed-file|listening:0+connected:end:hup:error ,,,,,,,,,EADDRINUSE>101,ok>101,,ECONNREFUSED>101,EPIPE>101,ECONNRESET>81,ok>41",
      "connected-bound:5:end:hup|listening:0 ,EADDRINUSE>102,EINVAL>102,EINVAL>102,EISCONN>102,EPIPE>102,5>83,ok>41,,EADDRINUSE>102,ok>102,waits>102,ECONNREFUSED>102,,EINVAL>102,ok>112",
      "closed|listening:0+connected:5:end:hup:error ,,,,,,,,,EADDRINUSE>103,ok>103,,ENOENT>103,EPIPE>103,5>88,ok>31",
      "connected:5:end:hup:error|listening:0 ,ok>111,EINVAL>104,EINVAL>104,EISCONN>104,EPIPE>104,5>87,ok>31,,EADDRINUSE>104,ok>104,waits>104,ENOENT>104,,EINVAL>104,ok>113",
      "connected:5:end:hup|closed-file ,ok>112,EINVAL>105,EINVAL>105,ECONNREFUSED>105,EPIPE>105,5>67,ok>32,,,,,,,,",
      "closed-file|connected-bound:5:end:hup ,,,,,,,,,EADDRINUSE>106,EINVAL>106,EINVAL>106,ECONNREFUSED>106,EPIPE>106,5>72,ok>42",
      "listening:0|connected-bound:5:end:hup:error ,EADDRINUSE>107,ok>107,waits>107,ECONNREFUSED>107,,EINVAL>107,ok>114,,EADDRINUSE>107,EINVAL>107,EINVAL>107,EISCONN>107,EPIPE>107,5>93,ok>36",
      "listening:0+connected:5:end:hup:error|closed-file ,EADDRINUSE>108,ok>108,,ECONNREFUSED>108,EPIPE>108,5>92,ok>36,,,,,,,,",
      "closed-file|connected:5:end:hup:error ,,,,,,,,,ok>114,EINVAL>109,EINVAL>109,ECONNREFUSED>109,EPIPE>109,5>38,ok>28",
      "closed-file|listening:0+connected:5:end:hup:error ,,,,,,,,,EADDRINUSE>110,ok>110,,ECONNREFUSED>110,EPIPE>110,5>101,ok>41",
      "connected-bound:5:end:hup:error|listening:0 ,EADDRINUSE>111,EINVAL>111,EINVAL>111,EISCONN>111,EPIPE>111,5>100,ok>41,,EADDRINUSE>111,ok>111,waits>111,ECONNREFUSED>111,,EINVAL>111,ok>115",
      "connected-bound:5:end:hup|closed-file ,EADDRINUSE>112,EINVAL>112,EINVAL>112,ECONNREFUSED>112,EPIPE>112,5>84,ok>42,,,,,,,,",
      "connected:5:end:hup:error|closed-file ,ok>115,EINVAL>113,EINVAL>113,ECONNREFUSED>113,EPIPE>113,5>47,ok>32,,,,,,,,",
      "closed-file|connected-bound:5:end:hup:error ,,,,,,,,,EADDRINUSE>114,EINVAL>114,EINVAL>114,ECONNREFUSED>114,EPIPE>114,5>49,ok>42",
      "connected-bound:5:end:hup:error|closed-file ,EADDRINUSE>115,EINVAL>115,EINVAL>115,ECONNREFUSED>115,EPIPE>115,5>61,ok>42,,,,,,,,",
    ],
    // END OF TABLE
  };

  const meanings = {
    EADDRINUSE: "the path exists already",
    ECONNREFUSED: "nobody listens at the other side's address",
    ECONNRESET: "the other side left something unread, and reset the connection",
    EINVAL: "not a call for a socket in this state",
    EISCONN: "it is connected, or listening, already",
    ENOENT: "there is nothing at the other side's path",
    ENOTCONN: "it is not connected",
    EPIPE: "there is nobody to send to, or no longer",
  };

  function result(call, said) {
    if (said === "waits") return "waits: nothing has come yet, so it would sleep";
    if (call === "send" && said === "5") return "5, all bytes of “hello” taken";
    if (call === "recv" && said === "0") return "0, the end of the stream";
    if (call === "recv" && said === "5") return "5, “hello”";
    return said === "ok" ? "done" : `${said}: ${meanings[said] || "an error"}`;
  }

  function one(code) {
    const [name, ...marks] = code.split(":");
    const waiting = marks.includes("1") ? "one client in the queue" : "the queue is empty";
    const names = {
      "none": "no socket",
      "closed": "closed",
      "closed-file": "closed, but its file stays",
      "unbound": "unbound",
      "bound": "bound to its address",
      "elsewhere": "at an address that the system chose",
      "listening": `listening, ${waiting}`,
      "listening-elsewhere": `listening where nobody looks, ${waiting}`,
      "connected": "connected",
      "connected-bound": "connected, and bound to its address",
    };
    const more = [];
    const talks = name.startsWith("connected");
    if (marks.includes("5")) more.push("5 bytes to read");
    if (marks.includes("error")) more.push("an error to be told");
    else if (marks.includes("end") && talks) more.push("the other side has ended");
    else if (marks.includes("end")) more.push("its connection is over");
    return [names[name], ...more].join("; ");
  }

  function describe(code) {
    const [own, accepted] = code.split("+");
    return accepted ? `${one(own)}. From accept: ${one(accepted)}` : one(own);
  }

  function make(tag, properties, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  function start(widget) {
    let family = "tcp";
    let at = 0;
    const states = {};
    const buttons = [];
    const said = make("p", { className: "said" });
    said.setAttribute("role", "status");
    const history = make("ol", {});
    const choice = make("select", {}, new Option("TCP", "tcp"), new Option("Unix", "unix"));

    function show() {
      const [state, nexts] = table[family][at].split(" ");
      const [server, client, early] = state.split("|");
      states.server.textContent = describe(server);
      states.client.textContent = describe(client);
      if (early) states.client.textContent += "; its 5 bytes wait in the queue with it";
      nexts.split(",").forEach((next, number) => {
        buttons[number].setAttribute("aria-disabled", String(next === ""));
      });
    }

    function press(number) {
      const [side, call] = [sides[Math.floor(number / 8)], calls[number % 8]];
      const next = table[family][at].split(" ")[1].split(",")[number];
      if (next === "") {
        said.textContent = call === "send"
          ? "One message is enough here: let the other side receive it first, or make a socket."
          : `${side}: there is no socket for ${call}.`;
        return;
      }
      const [outcome, line] = next.split(">");
      at = Number(line);
      said.textContent = `${side}: ${call} → ${result(call, outcome)}`;
      history.append(make("li", { textContent: `${side}.${call}() → ${outcome}` }));
      show();
    }

    function again() {
      at = 0;
      family = choice.value;
      history.replaceChildren();
      said.textContent = "Both sides begin with nothing.";
      show();
    }

    const groups = sides.map((side, index) => {
      states[side] = make("p", { className: "state" });
      const row = make("div", { className: "calls" });
      calls.forEach((call, number) => {
        const button = make("button", { type: "button", textContent: call });
        button.setAttribute("aria-label", `${side}: ${call}`);
        button.addEventListener("click", () => press(index * 8 + number));
        buttons.push(button);
        row.append(button);
      });
      return make("fieldset", {}, make("legend", { textContent: side }), states[side], row);
    });
    choice.addEventListener("change", again);
    const reset = make("button", { type: "button", textContent: "start again" });
    reset.addEventListener("click", again);
    const controls = make("p", {}, make("label", {}, "Sockets: ", choice), " ", reset);
    widget.replaceChildren(...groups, said, controls, history);
    again();
  }

  document.querySelectorAll('[data-widget="state-machine"]').forEach(start);
})();
